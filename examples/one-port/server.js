// A server as one writes it: it knows of no other instance, and of no manager.
const { PORT, OXHERD_INSTANCE } = process.env
require('http').createServer((request, response) => {
  response.end(request.url === '/health' ? 'ok\n' : `hello from api:${OXHERD_INSTANCE}\n`)
}).listen(PORT)
