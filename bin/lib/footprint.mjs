// The measurements of bin/footprint that need a clock.
//
//   node footprint.mjs start URL TIMES COMMAND     prints the median, the least and the most time from starting the command to the
//                                                  first 200 of the URL, in ms
//   node footprint.mjs load URL RATE SECONDS       asks for pages at this rate, and prints the number of requests, the number
//                                                  without a 200, and p50, p99 and the longest time, in ms
import { spawn } from "node:child_process";
import http from "node:http";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

const BROWSER = {
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "Accept-Encoding": "identity",
  "Sec-Fetch-Dest": "document",
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
};

// Returns the status of a request, or 0 if there was no whole response within 10 s.
function status(url, agent) {
  return new Promise((resolve) => {
    const request = http.get(url, { agent, headers: BROWSER, timeout: 10_000 }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", () => resolve(0));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(0));
  });
}

const milliseconds = (from) => Number(process.hrtime.bigint() - from) / 1e6;
// [1, 2, 9], 0.5 → 2
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

async function start(url, times, command) {
  const taken = [];
  for (let time = 0; time < times; time++) {
    const begin = process.hrtime.bigint();
    const server = spawn(command, { stdio: ["ignore", "ignore", "inherit"] });
    const ended = once(server, "exit");
    while ((await status(url, false)) !== 200) {
      if (server.exitCode !== null) throw new Error("the server did not start");
      await sleep(1);
    }
    taken.push(milliseconds(begin));
    server.kill("SIGTERM");
    await ended;
  }
  taken.sort((a, b) => a - b);
  return [quantile(taken, 0.5), taken[0], taken.at(-1)].map((ms) => ms.toFixed(0));
}

async function load(url, rate, seconds) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const [begin, running, taken] = [process.hrtime.bigint(), [], []];
  let failed = 0;
  for (let number = 0; number < rate * seconds; number++) {
    await sleep(Math.max(0, (number * 1000) / rate - milliseconds(begin)));
    // Every second request is a landing of a new visitor. The others are pages that store nothing.
    const path = number % 2 ? `/?utm_source=google&utm_medium=cpc&utm_campaign=footprint&utm_content=${number}` : "/";
    const sent = process.hrtime.bigint();
    running.push(
      status(url + path, agent).then((code) => {
        taken.push(milliseconds(sent));
        if (code !== 200) failed += 1;
      }),
    );
  }
  await Promise.all(running);
  agent.destroy();
  taken.sort((a, b) => a - b);
  return [taken.length, failed, ...[quantile(taken, 0.5), quantile(taken, 0.99), taken.at(-1)].map((ms) => ms.toFixed(1))];
}

const [what, url, count, last] = process.argv.slice(2);
const result = what === "start" ? await start(url, Number(count), last) : await load(url, Number(count), Number(last));
console.log(result.join(" "));
