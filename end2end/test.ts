// What every walkthrough stands on: a running Castellan, people, and a watch over what their browsers complain about.
import { writeFile } from 'node:fs/promises';
import { type Browser, type BrowserContext, test as base, type TestInfo } from '@playwright/test';
import { Castellan } from './castellan';
import { type Person, setUp, Team } from './people';

export { expect } from '@playwright/test';

type Each = {
  /** One that nobody has an account on, for this test alone. */
  fresh: Castellan;
  /** The same with second factors as they are asked for by default, at a name: passkeys are bound to one. */
  guarded: Castellan;
  /** An organization of this test's own. */
  team: Team;
  /** Everything that any browser of this test complained about, beyond answers that are refusals. Empty at the end. */
  complaints: string[];
};

type Shared = {
  /** One that is set up, for all tests of a worker. */
  castellan: Castellan;
  /** Its first admin. */
  ada: Person;
};

/** What Chromium notes although all is well. */
const EXPECTED = [
  // A page that answers a form which was refused has the refusal's status.
  /^Failed to load resource: .* status of 4\d\d/,
  // Without JavaScript nobody uses the wasm file.
  /was preloaded using link preload but not used/,
];

let teams = 0;

export const test = base.extend<Each, Shared>({
  castellan: [
    async ({}, use) => {
      const castellan = await Castellan.start();
      await use(castellan);
      await castellan.stop();
      await castellan.forget();
    },
    // Starting and stopping have limits of their own.
    { scope: 'worker', timeout: 60_000 },
  ],

  ada: [async ({ castellan }, use) => use(await setUp(castellan)), { scope: 'worker' }],

  fresh: async ({ browser }, use, info) => {
    const castellan = await Castellan.start();
    await use(castellan);
    await leave(browser);
    await attach(castellan, info);
    await castellan.stop();
    await castellan.forget();
  },

  guarded: async ({ browser }, use, info) => {
    const castellan = await Castellan.start({ CASTELLAN_AUTH_SECOND_FACTOR: 'admins' });
    castellan.origin = castellan.origin.replace('127.0.0.1', 'localhost');
    castellan.setupLink = castellan.setupLink!.replace('127.0.0.1', 'localhost');
    await use(castellan);
    await leave(browser);
    await attach(castellan, info);
    await castellan.stop();
    await castellan.forget();
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
      base.expect(complaints, 'what the browsers complained about').toEqual([]);
    },
    { auto: true },
  ],
});

/** Closes all windows: a page that is open when its server stops has every reason to complain. */
async function leave(browser: Browser): Promise<void> {
  await Promise.all(browser.contexts().map((context) => context.close()));
}

/** What the server said, for a test that failed. */
async function attach(castellan: Castellan, info: TestInfo): Promise<void> {
  if (info.status === info.expectedStatus) return;
  const path = info.outputPath('castellan.log');
  await writeFile(path, castellan.said);
  await info.attach('castellan.log', { path });
}
