// node stamp.js FOLDER: writes what no two builds share, a random number and a point in time.
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const folder = process.argv[2];
fs.writeFileSync(path.join(folder, "random.txt"), `${crypto.randomBytes(8).toString("hex")}\n`);
fs.writeFileSync(path.join(folder, "time.txt"), `built at ${new Date().toISOString()}\n`);
