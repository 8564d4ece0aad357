import { defineConfig, devices } from "@playwright/test";

// bin/test starts the release build on an empty database, creates an admin, and sets these variables.
for (const name of ["BASE_URL", "CONSENT_URL", "MAIL_SITE_URL", "MAIL_DIR", "ADMIN_EMAIL", "ADMIN_PASSWORD"]) {
  if (!process.env[name]) throw new Error(`${name} is not set: run the browser tests with bin/test browser`);
}

export default defineConfig({
  testDir: "tests",
  fullyParallel: true,
  // A test that only passes at the second try has found a fault.
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 20_000 },
  reporter: [["list"], ["html", { open: "never" }]],
  forbidOnly: !!process.env.CI,
  use: {
    baseURL: process.env.BASE_URL,
    locale: "en-GB",
    timezoneId: "UTC",
    // Headless Chromium names itself in its user agent, and arrivals of headless browsers do not count.
    userAgent: devices["Desktop Chrome"].userAgent,
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    contextOptions: { reducedMotion: "reduce" },
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH || undefined,
      args: [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "sign-in", testMatch: "admin.setup.ts" },
    { name: "chromium", dependencies: ["sign-in"] },
  ],
});
