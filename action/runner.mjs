// What GitHub's runner gives and takes: inputs, masks, log lines and outputs. Nothing from outside becomes a command of the runner.

import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";

// An end that people are told in one sentence.
export class Refusal extends Error {}

// Text that is one line and no command, whatever is in it.
export function inert(text) {
  const line = String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => (sign === "\n" ? " ⏎ " : "�"));
  return line.replace(/:(?=:)/g, ": ").replaceAll("##[", "# #[");
}

export const log = (text) => console.log(inert(text));
const command = (name, text) => console.log(`::${name}::${text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")}`);
export const notice = (text) => command("notice", inert(text));
export const warning = (text) => command("warning", inert(text));
export const failure = (text) => command("error", inert(text));

// Has the runner hide a secret in all that is printed from now on, in each spelling in which we send it.
export function mask(secret) {
  const spellings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")];
  for (const text of new Set([...spellings, ...secret.split(/\r?\n/)])) if (text.trim() !== "") command("add-mask", text);
}

export function output(name, value) {
  const edge = randomUUID();
  appendFileSync(process.env.GITHUB_OUTPUT, `${name}<<${edge}\n${inert(value)}\n${edge}\n`);
}

export const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();

// All inputs, checked; every wrong one is told.
export function inputs() {
  const secrets = ["kestra-password", "webhook-key", "github-token"].map((name) => [name, input(name)]);
  secrets.forEach(([, secret]) => mask(secret));
  const wrong = [];
  const check = (name, fits, expected) => {
    if (!fits) wrong.push(`\`${name}\`: expected ${expected}`);
  };
  secrets.forEach(([name, secret]) => check(name, secret !== "", "a value; a run for a fork or for a bot gets no secrets"));
  const url = URL.canParse(input("kestra-url")) ? new URL(input("kestra-url")) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && ["127.0.0.1", "localhost"].includes(url.hostname));
  check("kestra-url", isSafe && !url.username && !url.search && !url.hash, "an address such as `https://kestra.example.com`");
  check("kestra-user", /^[^:\p{C}]+$/u.test(input("kestra-user")), "a name without a colon");
  check("project-id", /^[A-Za-z0-9-]{1,64}$/.test(input("project-id")), "the id of a Railway project");
  check("service", /^.{1,64}$/u.test(input("service")), "the name of a service");
  check("namespace", /^[A-Za-z0-9._-]+$/.test(input("namespace")), "a namespace of Kestra");
  check("comment-author", input("comment-author") !== "", "whose comment is updated, such as `github-actions[bot]`");
  const minutes = Number(input("timeout-minutes"));
  check("timeout-minutes", minutes > 0 && minutes <= 360, "a number of at most 360");
  const request = json(input("request") || "{}");
  const ours = ["project_id", "environment_name", "idempotency_key"];
  const isObject = request !== null && typeof request === "object" && !Array.isArray(request);
  check("request", isObject && !ours.some((name) => name in request), `a JSON object without ${ours.join(", ")}, which this action says`);
  if (wrong.length > 0) throw new Refusal(wrong.join("; "));
  mask(`${input("kestra-user")}:${input("kestra-password")}`);
  return { request, kestra: url, until: Date.now() + minutes * 60_000 };
}

// The event that the workflow runs for.
export const event = () => JSON.parse(readFileSync(process.env.GITHUB_EVENT_PATH, "utf8"));

export function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// One request; nothing follows a redirect, which would carry a log-in elsewhere. An answer that is none is status 0.
export async function call(url, options) {
  try {
    const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(60_000), ...options });
    return { status: answer.status, headers: answer.headers, body: json(await answer.text()) };
  } catch (error) {
    return { status: 0, why: error.cause?.code ?? error.name };
  }
}
