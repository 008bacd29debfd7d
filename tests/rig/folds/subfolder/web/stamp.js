// node stamp.js FILE: writes what the build saw of its packages and of its environment.
const fs = require("fs");
const ms = require("ms");
const { createColors } = require("picocolors");

const { red } = createColors(true);
fs.writeFileSync(process.argv[2], [ms(90000, { long: true }), red("red"), `CI=${process.env.CI}`, ""].join("\n"));
