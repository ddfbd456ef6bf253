// Playwright fixtures: running servers, users, and a check for browser errors and warnings.
import { writeFile } from 'node:fs/promises';
import { type Browser, type BrowserContext, test as base, type TestInfo } from '@playwright/test';
import { Castellan } from './castellan';
import { type Person, setUp, Team } from './users';

export { expect } from '@playwright/test';

type TestFixtures = {
  /** A server without accounts for this test only. */
  fresh: Castellan;
  /** Like `fresh`, with the default second-factor policy and a host name, which passkeys require. */
  guarded: Castellan;
  /** An organization for this test only. */
  team: Team;
  /** Unexpected browser errors and warnings of this test. Must be empty at the end. */
  complaints: string[];
};

type WorkerFixtures = {
  /** A server that is set up, shared by all tests of a worker. */
  castellan: Castellan;
  /** The first admin of the shared server. */
  ada: Person;
};

/** Expected Chromium messages. */
const EXPECTED = [
  // A refused form is answered with a 4xx status.
  /^Failed to load resource: .* status of 4\d\d/,
  // Without JavaScript the preloaded wasm file is not used.
  /was preloaded using link preload but not used/,
];

let teams = 0;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  castellan: [
    async ({}, use) => {
      const castellan = await Castellan.start();
      await use(castellan);
      await castellan.stop();
      await castellan.removeFolder();
    },
    // Start and stop have their own timeouts.
    { scope: 'worker', timeout: 60_000 },
  ],

  ada: [async ({ castellan }, use) => use(await setUp(castellan)), { scope: 'worker' }],

  fresh: async ({ browser }, use, info) => {
    const castellan = await Castellan.start();
    await use(castellan);
    await leave(browser);
    await attach(castellan, info);
    await castellan.stop();
    await castellan.removeFolder();
  },

  guarded: async ({ browser }, use, info) => {
    const castellan = await Castellan.start({ CASTELLAN_AUTH_SECOND_FACTOR: 'admins' });
    castellan.origin = castellan.origin.replace('127.0.0.1', 'localhost');
    castellan.setupLink = castellan.setupLink!.replace('127.0.0.1', 'localhost');
    await use(castellan);
    await leave(browser);
    await attach(castellan, info);
    await castellan.stop();
    await castellan.removeFolder();
  },

  team: async ({ ada }, use, info) => {
    teams += 1;
    await use(await Team.of(ada, `Team ${teams}`));
    await attach(ada.castellan, info);
  },

  complaints: [
    async ({ browser }, use) => {
      const complaints: string[] = [];
      const watch = (context: BrowserContext) => {
        context.on('weberror', (error) => complaints.push(`${error.page()?.url()}: ${error.error().stack}`));
        context.on('console', (message) => {
          if (['error', 'warning'].includes(message.type()) && !EXPECTED.some((text) => text.test(message.text()))) {
            complaints.push(`${message.page()?.url()}: ${message.text()}`);
          }
        });
      };
      const contexts = browser.newContext;
      browser.newContext = async (...options) => {
        const context = await contexts.apply(browser, options);
        watch(context);
        return context;
      };
      await use(complaints);
      await leave(browser);
      browser.newContext = contexts;
      base.expect(complaints, 'browser errors and warnings').toEqual([]);
    },
    { auto: true },
  ],
});

/** Closes all browser contexts, because open pages log errors when their server stops. */
async function leave(browser: Browser): Promise<void> {
  await Promise.all(browser.contexts().map((context) => context.close()));
}

/** Attaches the server output to a failed test. */
async function attach(castellan: Castellan, info: TestInfo): Promise<void> {
  if (info.status === info.expectedStatus) return;
  const path = info.outputPath('castellan.log');
  await writeFile(path, castellan.output);
  await info.attach('castellan.log', { path });
}
