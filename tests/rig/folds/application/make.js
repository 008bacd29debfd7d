// node make.js FOLDER [WORD]: makes a small site out of the pages; every WORD is put below each of them.
const fs = require("fs");
const path = require("path");

const [folder, ...words] = process.argv.slice(2);

function makePages(from, to) {
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(from).sort()) {
    const [source, target] = [path.join(from, name), path.join(to, name)];
    if (fs.statSync(source).isDirectory()) {
      makePages(source, target);
    } else {
      const page = [fs.readFileSync(source, "utf8").trimEnd(), ...words].join("\n");
      fs.writeFileSync(target.replace(/\.txt$/, ".html"), `<pre>\n${page}\n</pre>\n`);
    }
  }
}

makePages("src/pages", folder);
// What a container has to find again: a program, a file that not everybody may read, a link, a name that begins with a dot.
fs.writeFileSync(path.join(folder, "serve"), "#!/bin/sh\nexec httpd -f\n");
fs.chmodSync(path.join(folder, "serve"), 0o755);
fs.writeFileSync(path.join(folder, "help/private.txt"), "for the owner\n");
fs.chmodSync(path.join(folder, "help/private.txt"), 0o600);
fs.symlinkSync("index.html", path.join(folder, "start.html"));
fs.writeFileSync(path.join(folder, ".well-known"), "here\n");
