// Sample data with content for every page, used by accessibility tests and screenshots.
import { dismissNotices, type Person, secondAdmin, Team } from './users';

/** People and paths of the sample data. */
export type SampleData = {
  ada: Person;
  grace: Person;
  mei: Person;
  team: Team;
  /** Task paths. */
  ended: string;
  failed: string;
  waiting: string;
  /** Paths of other detail pages. */
  approval: string;
  person: string;
  organization: string;
  /** Page that removes a member. */
  leaving: string;
  runner: string;
  key: string;
  serviceAccount: string;
  provider: string;
  webhook: string;
  review: string;
  /** Rules that wait for confirmation. */
  proposal: string;
};

const BACKUP = `set -eu
echo "Checking last night's backup of the order database"
printf '\\033[36m%s\\033[0m\\n' "orders-2026-03-01.dump"
for part in catalog customers orders invoices; do
  printf '  %-10s \\033[32mok\\033[0m   %s rows\\n' "$part" "$((1204 + \${#part} * 317))"
done
printf '\\033[33mwarning:\\033[0m invoices: 3 rows without a customer\\n' >&2
printf '\\033[1;32mThe backup can be restored.\\033[0m\\n'
`;

const ROTATE = `#!/bin/bash
# Gives the payment service a new certificate, and restarts it.
set -eu
curl --fail --silent https://ca.internal.example.org/renew/payments > payments.pem
openssl verify -CAfile /etc/ssl/internal.pem payments.pem
ssh deploy@payments.example.org 'sudo systemctl reload payments' # \u202etfel si gnihton\u202c
`;

/** Creates the sample data with requests. */
export async function createSampleData(ada: Person, name: string): Promise<SampleData> {
  const team = await Team.of(ada, name);
  const [grace, mei] = [await team.add('Grace', 'approver'), await team.add('Mei', 'member')];
  await (await team.add('Kim', 'member')).signInElsewhere();
  const own = { organization: team.id, visibility: 'org' };
  const ended = await mei.submit({ ...own, script: BACKUP, title: 'Check last night’s backup', labels: 'service=orders\nenv=prod' });
  const failed = await mei.submit({ ...own, script: 'echo "no space left" >&2; exit 3', title: 'Compact the archive' });
  const waiting = await mei.submit({
    ...own,
    script: ROTATE,
    title: 'Rotate the payment certificate',
    network_policy: 'unrestricted',
    labels: 'service=payments\nenv=prod',
  });
  await mei.act('keys/create', { name: 'Build server', 'scopes[]': 'tasks:read', days: '90' });
  const [approval, person, runner, key] = [
    await link(mei, waiting, 'approvals'),
    await link(ada, '/people', 'people', mei.name),
    await link(ada, '/runners', 'runners'),
    await link(mei, '/keys', 'keys'),
  ];
  const idp = { kind: 'oidc', label: `${name} ID`, issuer: 'https://id.example.org', client_id: 'castellan' };
  const provider = (await ada.act('providers/save', { ...idp, client_secret: 'a-secret-of-two' })).go_to!;
  const chat = { kind: 'slack', name: 'Operations chat', url_secret: 'https://chat.example.org/hooks/a-secret', 'events[approval_requested]': 'true' };
  const webhook = (await ada.act('webhooks/save', chat)).go_to!;
  const review = (await findLink(ada, '/reviews', 'reviews')) ?? (await ada.act('reviews/start', {})).go_to!;
  const made = { name: 'Build server', responsible: ada.email, organization: team.id, role: 'member' };
  const serviceAccount = (await findLink(ada, '/keys/service-accounts', 'keys/service-accounts')) ?? (await ada.act('keys/service-account', made)).go_to!;
  await waitForTasks(mei, [ended, failed]);
  const organization = `/organizations/${team.id}`;
  const leaving = `${organization}/members/${person.split('/').at(-1)}`;
  await ada.act('organizations/requests', { organization: team.id, open: 'true' });
  await ada.act('organizations/invite', { organization: team.id, role: 'viewer', uses: '5', days: '7' });
  const proposal = (await findLink(ada, '/rules', 'rules/proposals')) ?? (await proposeRules(ada));
  return { ada, grace, mei, team, ended, failed, waiting, approval, person, organization, leaving, runner, key, serviceAccount, provider, webhook, review, proposal };
}

/** Proposes less strict rules to a second admin, and lets the first one make approvers alone again. */
async function proposeRules(ada: Person): Promise<string> {
  const noor = await secondAdmin(ada.castellan, 'Noor');
  await ada.act('approvals/dual-control', { enabled: 'true' });
  await ada.act('rules/change', { version: '1', 'rules[0][name]': 'Everything runs', 'rules[0][effect]': 'run' });
  await ada.act('approvals/dual-control', { enabled: 'false' });
  const page = await (await noor.requests.get('/settings/approvals', { headers: { Accept: 'text/html' } })).text();
  for (const [, id] of page.matchAll(/name="id" value="([0-9a-f-]{36})"/g)) {
    if (!page.includes(`/rules/proposals/${id}`)) {
      await noor.act('approvals/confirm-change', { id });
      break;
    }
  }
  await dismissNotices(ada);
  return link(ada, '/rules', 'rules/proposals');
}

/** Returns the first link of a page to a detail page of one kind, optionally with a text in it. */
export async function link(person: Person, path: string, kind: string, text = ''): Promise<string> {
  const link = await findLink(person, path, kind, text);
  if (!link) throw new Error(`${path} has no link to /${kind}`);
  return link;
}

/** Like `link`, but returns undefined if there is none. */
async function findLink(person: Person, path: string, kind: string, text = ''): Promise<string | undefined> {
  const html = await (await person.requests.get(path, { headers: { Accept: 'text/html' } })).text();
  const links = [...html.matchAll(new RegExp(`href="(/${kind}/[0-9a-f-]{36})"[^>]*>([^]*?)</a>`, 'g'))];
  return links.find(([, , inner]) => inner.includes(text))?.[1];
}

async function waitForTasks(person: Person, tasks: string[]): Promise<void> {
  for (const task of tasks) {
    // The event stream of a task closes when the task ends.
    await person.requests.get(`${task}/live`, { headers: { Accept: 'text/event-stream' }, timeout: 30_000 });
  }
}
