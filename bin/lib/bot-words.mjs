// Turns the patterns of npm's crawler-user-agents into lines for src/attribution/capture/bots_upstream.tsv. Nearly all patterns
// are plain texts, so the server needs no regular expressions: it looks for all texts in one pass.

// The package's tags, and the kinds of bots.tsv. Of several tags, the first one of this list counts.
const KINDS = {
  "ai-crawler": "ai",
  "search-engine": "crawler",
  advertising: "crawler",
  academic: "crawler",
  "social-preview": "preview",
  monitoring: "monitor",
  "browser-automation": "headless",
  "http-library": "library",
  "feed-reader": "feed",
  seo: "seo",
  scanner: "scanner",
};

// Returns the text that a pattern looks for, or undefined if the pattern needs a regular expression: `Foo\/` → `Foo/`. Case
// does not matter to the server: `[fF]oo` → `foo`.
function plainText(pattern) {
  const oneCase = (all, one, other) => (one.toLowerCase() === other.toLowerCase() ? one.toLowerCase() : all);
  const text = pattern.replace(/^\^/, "").replace(/\[([a-z])([a-z])\]/gi, oneCase);
  if (/(?<!\\)[[\](){}|*+?$]|\\[a-zA-Z0-9]/.test(text)) return undefined;
  const plain = text.replace(/\\(.)/g, "$1").trim();
  return /^[a-z0-9][\x20-\x7e]+$/i.test(plain) ? plain : undefined;
}

// Returns whether a line matches a user agent, by the rules at the head of bots.tsv.
function matches({ where, text }, agent) {
  const [within, wanted] = [agent.toLowerCase(), text.toLowerCase()];
  if (where === "start") return within.startsWith(wanted);
  for (let at = within.indexOf(wanted); at >= 0; at = within.indexOf(wanted, at + 1)) {
    const [before, after] = [within.slice(0, at), within.slice(at + wanted.length)];
    const fits = { word: !/[a-z0-9]$/.test(before), ends: !/^[a-z]/.test(after.replace(/^s/, "")), inside: true };
    if (fits[where]) return true;
  }
  return false;
}

// Returns the line for an entry of the package, or undefined if a line cannot express the pattern. The line looks at the start
// if all samples begin with the text. Browsers begin with `Mozilla/5.0`, so such a line never takes a person for a machine.
function lineOf({ pattern, instances, tags = [] }) {
  const text = plainText(pattern);
  const kind = KINDS[Object.keys(KINDS).find((tag) => tags.includes(tag))] ?? "other";
  const finds = (where) => text && instances.every((agent) => matches({ where, text }, agent));
  const where = ["start", "word"].find(finds);
  return where && { kind, where, text };
}

// Returns whether one of `lines` finds whatever `line` finds.
function isCovered(lines, line) {
  return lines.some((other) => matches(other, line.text) && (other.where === line.where || line.where === "start"));
}

// Returns the lines that the own lines do not make needless, as texts, sorted; and the patterns that need a line by hand.
//
// A word further in can also be the name of a phone or an app. So a line that looks there is kept only if the own lines miss a
// sample, or if it tells that the machine works for a language model.
export function botLines(entries, own) {
  const machines = own.filter(({ kind }) => kind !== "person");
  const names = machines.filter(({ where }) => ["start", "word"].includes(where));
  const general = machines.filter(({ where }) => !["start", "word"].includes(where));
  const isGeneral = ({ kind, text }) => general.some((line) => line.kind === kind && matches(line, text));
  const isFound = (agent) => agent.includes("+http") || machines.some((line) => matches(line, agent));
  const found = [];
  const byHand = [];
  for (const entry of entries) {
    const line = lineOf(entry);
    const missed = !entry.instances.every(isFound);
    if (!line && missed) byHand.push(entry.pattern);
    if (!line || isCovered(names, line) || isGeneral(line)) continue;
    if (line.where === "start" || line.kind === "ai" || missed) found.push(line);
  }
  const needed = [];
  for (const line of found.sort((one, other) => one.text.length - other.text.length)) {
    if (!isCovered(needed, line)) needed.push(line);
  }
  const byText = (one, other) => (one.text.toLowerCase() < other.text.toLowerCase() ? -1 : 1);
  return { lines: needed.sort(byText).map(({ kind, where, text }) => [kind, where, text].join("\t")), byHand };
}
