// A small web server as most are: it takes its port from PORT, answers, and on SIGTERM finishes what it has begun.
const http = require('node:http');

const version = process.env.VERSION || '1';
const name = `${process.env.OXHERD_APP || 'api'}:${process.env.OXHERD_INSTANCE || 0}`;

const server = http.createServer((request, response) => {
  let bytes = 0;
  request.on('data', (part) => { bytes += part.length; });
  request.on('end', () => {
    response.setHeader('Content-Type', 'text/plain');
    response.end(`hello from ${name}, version ${version}, pid ${process.pid}: ${request.method} of ${bytes} bytes\n`);
  });
});

// Longer than nginx keeps its own: who asks closes first, and no request meets a closing door.
server.keepAliveTimeout = 75000;
server.listen(process.env.PORT || 3000, '127.0.0.1');

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
});
