// The same program for both colours; what differs is the release that lies in its folder.
const http = require('node:http');

const port = process.env.PORT;
const server = http.createServer((request, response) => {
  response.end(`${process.env.OXHERD_APP} on ${port}\n`);
});

server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
