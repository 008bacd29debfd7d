// node generate.js FOLDER: writes the pages that nobody wants to write.
const fs = require("fs");
const path = require("path");

for (const year of [2022, 2023, 2024]) {
  fs.writeFileSync(path.join(process.argv[2], `${year}.txt`), `What happened in ${year}\n`);
}
