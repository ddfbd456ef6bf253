// Task pages: live output, escaping, cancellation, search in output, filters and forms.
import { setUp, Team } from '../users';
import { output, section, state, submitTask, withoutReload } from '../page-helpers';
import { expect, test } from '../test';

declare global {
  interface Window {
    /** Longest task of the main thread in milliseconds. */
    longest: number;
  }
}

const LOUD = `printf '\\033[31mred\\033[0m then \\033[1;32mgreen\\033[0m\\n'
printf '<script>window.taken = 1</script><img src=x onerror="window.taken = 1">\\n'
printf '\\033]8;;javascript:window.taken=1\\033\\\\link\\033]8;;\\033\\\\ and \\033]0;title\\007more\\n'
printf 'over\\033[2K\\r\\033[1A\\033[Hwritten\\n'
for n in $(seq 1 40); do printf 'line %s\\n' "$n"; done
sleep 1
printf 'to the other stream\\n' >&2
`;

test('an isolated script runs immediately, and its output is live, in order and escaped', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await submitTask(page, { title: 'Loud', script: LOUD });
  const stays = await withoutReload(page);
  await expect(page.locator('.timeline')).toContainText('Allowed by the rule “Isolated scripts run immediately”');
  await expect(state(page)).toHaveText('Succeeded');
  await expect(page.locator('#log-said')).toHaveText('Output complete. Ended with exit status 0');

  const lines = output(page);
  await expect(lines).toHaveCount(45);
  await expect(lines.nth(0).locator('.ansi-fg-1')).toHaveText('red');
  await expect(lines.nth(0).locator('.ansi-fg-2')).toHaveText('green');
  await expect(lines.nth(1)).toHaveText('<script>window.taken = 1</script><img src=x onerror="window.taken = 1">');
  await expect(lines.nth(2)).toHaveText('link and more');
  await expect(lines.nth(3)).toHaveText('written');
  for (let n = 1; n <= 40; n++) await expect(lines.nth(n + 3)).toHaveText(`line ${n}`);
  await expect(lines.nth(44)).toHaveText('to the other stream');
  await expect(page.locator('.log-stderr .log-text')).toHaveText(['to the other stream']);
  await expect(page.locator('#log-lines').locator('script, img, a:not(.log-number)')).toHaveCount(0);
  expect(await page.evaluate(() => 'taken' in window)).toBe(false);
  expect(await stays()).toBe(true);

  await test.step('the full output can be downloaded', async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    const text = await (await (await download).createReadStream()).toArray();
    expect(Buffer.concat(text).toString()).toContain('line 1\nline 2\nline 3\n');
  });

  await test.step('the server-rendered page is identical', async () => {
    const live = await lines.allInnerTexts();
    await page.reload();
    await expect(lines).toHaveText(live);
    await expect(lines.nth(0).locator('.ansi-fg-1')).toHaveText('red');
  });

  await test.step('a line has a permalink', async () => {
    await page.goto(`${page.url()}#L40`);
    await expect(page.locator('#L40')).toBeInViewport();
  });
});

test('late readers and other browsers see every line once', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const task = await mei.submit({
    script: 'for n in $(seq 1 8); do echo "line $n"; sleep 0.5; done',
    title: 'Slow',
    organization: team.id,
  });
  const pages = [await mei.open(browser), await mei.open(browser)];
  await pages[0].goto(task);
  await expect(output(pages[0]).nth(2)).toBeVisible();
  await pages[1].goto(task);
  const all = Array.from({ length: 8 }, (_, n) => `line ${n + 1}`);
  for (const page of pages) await expect(output(page)).toHaveText(all);
});

test('a cancelled task keeps its output', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await submitTask(page, { title: 'Endless', script: 'echo started; sleep 600' });
  await expect(output(page)).toHaveText(['started']);
  await expect(state(page)).toHaveText('Running');
  await page.getByText('Cancel task…').click();
  await expect(page.getByText('The runner kills all processes of the task.')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel task' }).click();
  await expect(state(page)).toHaveText('Cancelled');
  await expect(page.locator('.timeline')).toContainText('Cancelled by Mei');
  await expect(output(page)).toHaveText(['started']);
  await expect(section(page, 'Receipt')).toContainText('Signature verified');
  await expect(page.getByText('Cancel task…')).toHaveCount(0);
});

test('a failed task shows its exit status, and a task is stopped at its timeout', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await submitTask(page, { title: 'Failing', script: 'echo no >&2; exit 7' });
  await expect(state(page)).toHaveText('Failed');
  await expect(section(page, 'Receipt')).toContainText('Ended with exit status 7');

  const slow = await mei.submit({ script: 'sleep 60', title: 'Slow', timeout_seconds: '1', organization: team.id });
  await page.goto(slow);
  await expect(state(page)).toHaveText('Timed out');
  await expect(section(page, 'Receipt')).toContainText('Stopped at its timeout');
});

test('a task is run again from its form with identical input', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  const script = '\necho "once & <again> &lt;" # </textarea><img src=x onerror="window.taken = 1">\n';
  const title = 'Twice </title><script>window.taken = 1</script>';
  const first = await submitTask(page, { title, script, labels: 'env=test' });
  await expect(page).toHaveTitle(`${title} · Castellan`);
  await page.getByRole('link', { name: 'Run again' }).click();
  await expect(page.getByLabel('Script')).toHaveValue(script);
  await expect(page.getByLabel('Title')).toHaveValue(title);
  await expect(page.getByLabel('Labels')).toHaveValue('env=test');
  await page.getByRole('button', { name: 'Submit task' }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  expect(new URL(page.url()).pathname).not.toBe(first);
  await expect(state(page)).toHaveText('Succeeded');
  await expect(output(page)).toHaveText(['once & <again> &lt;']);
  expect(await page.evaluate(() => 'taken' in window)).toBe(false);
});

test('the page stays responsive while 200,000 lines arrive', async ({ team, browser }) => {
  test.setTimeout(180_000);
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.addInitScript(() => {
    Object.assign(window, { longest: 0 });
    const note = (list: PerformanceObserverEntryList) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    };
    new PerformanceObserver(note).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(await mei.submit({ script: 'echo begun; sleep 5; seq -f "line %.0f" 1 200000', title: 'Flood', organization: team.id }));
  // The page is hydrated, and most lines have not arrived yet.
  await expect(page.locator('#L1')).toBeVisible({ timeout: 60_000 });
  await page.evaluate(() => (window.longest = 0));
  await expect(page.locator('#L200001')).toBeAttached({ timeout: 120_000 });
  await page.locator('#log-lines').scrollIntoViewIfNeeded(); // the log has grown and followed its end
  await expect(page.locator('#L200001')).toBeInViewport();
  expect(await page.locator('#log-lines .log-line').count()).toBeLessThan(1_500);
  expect(await page.evaluate(() => window.longest), 'longest main thread task in ms, with unoptimized wasm').toBeLessThan(4_000);
});

test('200,000 lines can be searched, linked and selected while few are in the document', async ({ team, browser }) => {
  test.setTimeout(180_000);
  const mei = await team.add('Mei', 'member');
  const script = 'seq -f "line %.0f" 1 200000; echo "the needle"';
  const task = await mei.submit({ script, title: 'Long', organization: team.id });
  // The event stream of a task closes when the task ends.
  await mei.requests.get(`${task}/live?from=200000`, { headers: { Accept: 'text/event-stream' }, timeout: 120_000 });
  const page = await mei.open(browser);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(task);
  const [log, rows] = [page.locator('#log-lines'), page.locator('#log-lines .log-line')];
  const few = async () => expect(await rows.count(), 'lines on the page').toBeLessThan(1_500);

  await test.step('it opens at the end and jumps to the start', async () => {
    await log.scrollIntoViewIfNeeded();
    await expect(page.locator('#L200001')).toBeInViewport();
    await few();
    await page.getByRole('button', { name: 'Go to start', exact: true }).click();
    await expect(page.locator('#L1')).toBeInViewport();
    await expect(page.locator('#L1 .log-text')).toHaveText('line 1');
    await few();
  });

  await test.step('scrolling loads lines and keeps their position', async () => {
    await log.evaluate((lines) => lines.scrollTo(0, lines.scrollHeight / 2));
    const seen = rows.filter({ hasText: /^\s*100\d\d\d/ }).first();
    await expect(seen).toBeVisible();
    await log.evaluate((lines) => lines.scrollBy(0, 3_000));
    await expect.poll(() => log.evaluate((lines) => {
      const middle = lines.getBoundingClientRect();
      return document.elementFromPoint(middle.x + 90, middle.y + 200)?.closest('.log-line')?.id ?? '';
    })).toMatch(/^L100/);
    await few();
  });

  await test.step('search covers all lines', async () => {
    await page.getByRole('searchbox', { name: 'Find in output' }).fill('LINE 15000');
    await page.keyboard.press('Enter');
    await expect(page.getByText('2 of 11 matches')).toBeVisible();
    await expect(page.locator('#L150000')).toBeInViewport();
    await expect(page.locator('#L150000')).toHaveClass(/log-here/);
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await expect(page.getByText('3 of 11 matches')).toBeVisible();
    await expect(page.locator('#L150001')).toHaveClass(/log-here/);
    await page.getByRole('button', { name: 'Previous', exact: true }).click();
    await page.getByRole('button', { name: 'Previous', exact: true }).click();
    await expect(page.getByText('1 of 11 matches')).toBeVisible();
    await expect(page.locator('#L15000')).toBeInViewport();
    await page.getByRole('searchbox', { name: 'Find in output' }).fill('no such thing');
    await page.keyboard.press('Enter');
    await expect(page.getByText('No matches')).toBeVisible();
  });

  await test.step('lines are selected by number, linked and copied', async () => {
    await page.goto(`${task}#L123450-L123452`);
    await page.reload();
    await expect(page.locator('#L123451')).toBeInViewport();
    await expect(page.locator('.log-chosen')).toHaveCount(3);
    await page.getByRole('button', { name: 'Copy lines 123450–123452' }).click();
    await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('line 123450\nline 123451\nline 123452\n');
    await page.locator('#L123455 .log-number').click();
    await expect(page).toHaveURL(/#L123455$/);
    await page.locator('#L123453 .log-number').click({ modifiers: ['Shift'] });
    await expect(page).toHaveURL(/#L123453-L123455$/);
    await expect(page.locator('.log-chosen')).toHaveCount(3);
  });

  await test.step('without JavaScript the output is paged', async () => {
    const plain = await mei.open(browser, { javaScriptEnabled: false });
    await plain.goto(task);
    const parts = plain.getByRole('navigation', { name: 'Output pages' });
    await expect(parts).toContainText('Lines 199501 to 200001 of 200001');
    await plain.getByRole('link', { name: 'Earlier lines' }).click();
    await expect(plain.locator('#L199001')).toBeVisible();
    await plain.getByRole('searchbox', { name: 'Find in output' }).fill('needle');
    await plain.getByRole('button', { name: 'Find', exact: true }).click();
    await plain.locator('.log a[href*="from=200001"]').click();
    await expect(plain.locator('#L200001')).toHaveText(/the needle/);
  });
});

test('the list is filtered by its URL', async ({ team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'member')];
  const tasks = [
    { title: 'Red apple', labels: 'color=red', script: 'true' },
    { title: 'Green apple', labels: 'color=green', script: 'false' },
    { title: 'Red brick', labels: 'color=red', script: 'true' },
  ];
  for (const task of tasks) await mei.submit({ ...task, visibility: 'org', organization: team.id });
  await omar.submit({ title: 'Yellow apple', script: 'true', visibility: 'org', organization: team.id });

  const page = await mei.open(browser);
  await page.goto('/tasks');
  const titles = page.getByRole('region', { name: 'Tasks' }).locator('tbody th');
  await expect(titles).toHaveText(['Yellow apple', 'Red brick', 'Green apple', 'Red apple']);
  await expect(page.getByRole('link', { name: 'Succeeded 3' })).toBeVisible();

  await page.getByLabel('Words in the title').fill('apple');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(titles).toHaveText(['Yellow apple', 'Green apple', 'Red apple']);
  await page.getByRole('link', { name: 'Mine' }).click();
  await expect(titles).toHaveText(['Green apple', 'Red apple']);
  await page.getByLabel('Label (key=value)').fill('color=red');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(titles).toHaveText(['Red apple']);
  const address = page.url();
  await page.reload();
  await expect(titles).toHaveText(['Red apple']);
  await expect(page.getByLabel('Words in the title')).toHaveValue('apple');

  // Another person who opens the URL sees only tasks that they can access.
  const his = await omar.open(browser);
  await his.goto(address);
  await expect(his.getByText('No matches')).toBeVisible();
  await his.getByRole('link', { name: 'Show all tasks' }).click();
  await his.getByRole('link', { name: /^Failed/ }).click();
  await expect(his.getByRole('region', { name: 'Tasks' }).locator('tbody th')).toHaveText(['Green apple']);
  await expect(his).toHaveURL(/state=failed/);
});

test('a private task of another person is not found', async ({ team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'member')];
  const task = await mei.submit({ script: 'echo secret', title: 'Hers', organization: team.id });
  const his = await omar.open(browser);
  expect((await his.goto(task))!.status()).toBe(404);
  await expect(his.getByText('This page does not exist, or you do not have access to it.')).toBeVisible();
  for (const path of [`${task}/log`, `${task}/live`]) expect((await omar.requests.get(path)).status()).toBe(404);
});

test('an invalid form shows errors and keeps its input', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.goto('/tasks/new');
  await page.getByLabel('Title').fill('Kept "as" <it> is');
  await page.getByLabel('Timeout (seconds)').fill('0');
  await page.getByLabel('Labels').fill('no equals sign');
  await page.getByLabel('Script').fill('\n\necho kept\n');
  await page.getByRole('button', { name: 'Submit task' }).click();
  await expect(page.getByRole('alert')).toBeFocused();
  await expect(page.getByLabel('Title')).toHaveValue('Kept "as" <it> is');
  await expect(page.getByLabel('Script')).toHaveValue('\n\necho kept\n');
  await page.getByRole('alert').getByRole('link').first().click();
  await expect(page.locator('[aria-invalid]').first()).toBeFocused();
});

test('the page reconnects after a server restart', async ({ fresh, browser, complaints }) => {
  const ada = await setUp(fresh);
  const team = await Team.of(ada, 'Reconnect');
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.goto(await mei.submit({ script: 'echo before; sleep 600', title: 'Long', organization: team.id }));
  await expect(output(page)).toHaveText(['before']);
  await fresh.restart();
  // The browser logs connection errors during the restart.
  const away = () => complaints.filter((text) => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/.test(text));
  await mei.act('tasks/cancel', { id: page.url().split('/').at(-1)! });
  await expect(state(page)).toHaveText('Cancelled', { timeout: 45_000 });
  away().forEach((text) => complaints.splice(complaints.indexOf(text), 1));
});

test('BC-55 a task is printed without navigation and controls, light and complete', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser, { colorScheme: 'dark' });
  await page.goto(await mei.submit({ script: 'seq 1 80', title: 'Printed', organization: team.id }));
  await expect(state(page)).toHaveText('Succeeded');
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const hidden of ['.bar', '.nav-wide', '.log-bar', 'main .button']) {
    for (const element of await page.locator(hidden).all()) await expect(element).toBeHidden();
  }
  await expect(page.getByText('The complete output can be downloaded from')).toBeVisible();
  const { scheme, height, content } = await page.evaluate(() => {
    const lines = document.querySelector('#log-lines')!;
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    return { scheme, height: lines.clientHeight, content: lines.scrollHeight };
  });
  expect(scheme).toBe('light');
  expect(height).toBe(content);
});
