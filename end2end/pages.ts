// Every page that somebody who is signed in can open, each with who opens it.
import { type Person } from './people';
import { type Scene } from './scene';

/** Each route with an address on it, as somebody sees it. */
export const PAGES: Record<string, (scene: Scene) => [Person, string]> = {
  '/': ({ grace }) => [grace, '/'],
  '/tasks': ({ ada }) => [ada, '/tasks'],
  '/tasks/new': ({ mei }) => [mei, '/tasks/new'],
  '/tasks/{id}': ({ ada, ended }) => [ada, ended],
  '/tasks/{id}/reach': ({ ada, ended }) => [ada, `${ended}/reach`],
  '/approvals': ({ grace }) => [grace, '/approvals'],
  '/approvals/{id}': ({ grace, approval }) => [grace, approval],
  '/runners': ({ ada }) => [ada, '/runners'],
  '/runners/new': ({ ada }) => [ada, '/runners/new'],
  '/runners/{id}': ({ ada, runner }) => [ada, runner],
  '/runners/{id}/reach': ({ ada, runner }) => [ada, `${runner}/reach`],
  '/audit': ({ ada }) => [ada, '/audit'],
  '/audit/{seq}': ({ ada }) => [ada, '/audit/5'],
  '/unusual': ({ ada }) => [ada, '/unusual'],
  '/search': ({ ada }) => [ada, '/search?q=pay'],
  '/account': ({ ada }) => [ada, '/account'],
  '/account/address': ({ ada }) => [ada, '/account/address'],
  '/account/password': ({ ada }) => [ada, '/account/password'],
  '/prove': ({ ada }) => [ada, '/prove'],
  '/settings/second-factors': ({ ada }) => [ada, '/settings/second-factors'],
  '/account/sign-in': ({ ada }) => [ada, '/account/sign-in'],
  '/settings/authentication': ({ ada }) => [ada, '/settings/authentication'],
  '/settings/authentication/new': ({ ada }) => [ada, '/settings/authentication/new'],
  '/settings/authentication/{id}': ({ ada, provider }) => [ada, provider],
  '/sessions': ({ ada }) => [ada, '/sessions'],
  '/organisations': ({ ada }) => [ada, '/organisations'],
  '/organisations/new': ({ ada }) => [ada, '/organisations/new'],
  '/organisations/{id}': ({ ada, organisation }) => [ada, organisation],
  '/organisations/{id}/reach': ({ ada, organisation }) => [ada, `${organisation}/reach`],
  '/organisations/{id}/settings': ({ ada, organisation }) => [ada, `${organisation}/settings`],
  '/organisations/{id}/members/{person}': ({ ada, leaving }) => [ada, leaving],
  '/people': ({ ada }) => [ada, '/people'],
  '/people/new': ({ ada }) => [ada, '/people/new'],
  '/people/{id}': ({ ada, person }) => [ada, person],
  '/keys': ({ ada }) => [ada, '/keys'],
  '/keys/new': ({ ada }) => [ada, '/keys/new'],
  '/incident': ({ ada }) => [ada, '/incident'],
  '/keys/{id}': ({ mei, key }) => [mei, key],
  '/keys/service-accounts': ({ ada }) => [ada, '/keys/service-accounts'],
  '/keys/service-accounts/{id}': ({ ada, robot }) => [ada, robot],
  '/reviews': ({ ada }) => [ada, '/reviews'],
  '/reviews/{id}': ({ ada, review }) => [ada, review],
  '/rules': ({ ada }) => [ada, '/rules'],
  '/rules/edit': ({ ada }) => [ada, '/rules/edit'],
};

/** Those for who is not signed in. */
export const OUTSIDE = ['/invitation', '/sign-in', '/second-factor', '/authenticator', '/forgot', '/address', '/setup', '/password'];
