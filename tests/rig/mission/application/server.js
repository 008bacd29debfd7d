// In the image the compiled application lies beside this file.
const http = require("http");
const { answer } = require("./application");

const started = Date.now();

http
  .createServer((request, response) => {
    const { status, body } = answer(request.url, Date.now() - started);
    response.writeHead(status, { "content-type": "text/plain" });
    response.end(body);
  })
  .listen(process.env.PORT || 8080);
