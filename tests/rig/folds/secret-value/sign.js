// node sign.js KEY FILE…: writes a signature beside every file. The key itself goes nowhere.
const crypto = require("crypto");
const fs = require("fs");

const [key, ...files] = process.argv.slice(2);

for (const file of files) {
  const signature = crypto.createHmac("sha256", key).update(fs.readFileSync(file)).digest("hex");
  fs.writeFileSync(`${file}.sig`, `${signature}\n`);
}
