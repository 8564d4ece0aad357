// Signs up users for bin/bench and writes the Cookie header of each to a file.
// usage: node bench-users.mjs BASE_URL COUNT PREFIX FILE
import { writeFileSync } from "node:fs";

const [base, count, prefix, file] = [process.argv[2], Number(process.argv[3]), process.argv[4], process.argv[5]];
const cookies = [];
let next = 0;

async function signUp(number) {
  const response = await fetch(`${base}/api/register`, {
    method: "POST",
    redirect: "manual",
    headers: {
      accept: "text/html",
      "content-type": "application/x-www-form-urlencoded",
      // Each user has an address of their own, so that no limit by address applies.
      "x-forwarded-for": `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
    },
    body: new URLSearchParams({ email: `${prefix}-${number}@example.com`, password: "a long enough passphrase" }),
  });
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .filter((pair) => !/^[^=]*flash/.test(pair) && !pair.endsWith("="))
    .join("; ");
  const page = response.status === 303 && cookie ? await fetch(`${base}/account`, { redirect: "manual", headers: { cookie } }) : null;
  if (page?.status !== 200) throw new Error(`sign-up ${number} answered ${response.status}, its account page ${page?.status}`);
  cookies.push(cookie);
}

// The server's work is hashing passwords. Four sign-ups at a time keep all cores busy.
await Promise.all(
  Array.from({ length: 4 }, async () => {
    while (next < count) await signUp(next++);
  }),
);
writeFileSync(file, cookies.join("\n") + "\n");
