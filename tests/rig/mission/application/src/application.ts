import { greeting } from "./text/greeting";

declare function require(name: "ms"): (milliseconds: number, options: { long: boolean }) => string;

const words = require("ms");

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Answers a request for `path` on a server that has been up for `uptime` milliseconds. */
export function answer(path: string, uptime: number): Answer {
  if (path !== "/") {
    return { status: 404, body: "nothing here\n" };
  }
  return { status: 200, body: `${greeting("world")} Up for ${words(uptime, { long: true })}.\n` };
}
