// Kestra's API: starts a flow, waits until its execution ends, and reads what came of it.

import { Refusal, call, input, log, sleep } from "./runner.mjs";

const ENDED = ["SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "CANCELED", "RETRIED", "SKIPPED"];

export class Kestra {
  constructor(url, until) {
    this.base = `${url.href.replace(/\/+$/, "")}/api/v1/main`;
    this.until = until;
    const login = Buffer.from(`${input("kestra-user")}:${input("kestra-password")}`).toString("base64");
    this.headers = { Authorization: `Basic ${login}` };
  }

  // Starts a flow by its webhook and waits for it.
  async fire(flow, request) {
    const path = ["executions/webhook", input("namespace"), flow, encodeURIComponent(input("webhook-key"))].join("/");
    const headers = { ...this.headers, "Content-Type": "application/json" };
    return this.started(flow, await call(`${this.base}/${path}`, { method: "POST", headers, body: JSON.stringify(request) }));
  }

  // Starts a flow by its form and waits for it.
  async submit(flow, fields) {
    const body = new FormData();
    Object.entries(fields).forEach(([name, value]) => body.append(name, value));
    const path = `${this.base}/executions/${input("namespace")}/${flow}`;
    return this.started(flow, await call(path, { method: "POST", headers: this.headers, body }));
  }

  async started(flow, { status, body, why }) {
    const id = body?.id;
    if (status < 200 || status > 299 || !/^[A-Za-z0-9_-]{1,64}$/.test(id ?? "")) throw new Refusal(refused(flow, status, why));
    log(`${flow} runs as execution ${id}`);
    return this.ended(flow, id);
  }

  async ended(flow, id) {
    const state = await this.look(`executions/${id}`, `how ${flow} goes on`, (body) => {
      const state = body?.state?.current;
      return ENDED.includes(state) ? state : undefined;
    });
    // A version before 2.0 has them in the execution, one of 2.0 at either of these addresses.
    for (const path of [`outputs/executions/${id}`, `outputs/${id}`, `executions/${id}`]) {
      const { status, body } = await this.read(path, `what came of ${flow}`);
      const outputs = path.startsWith("executions") ? body?.outputs : body;
      if (status === 200 && outputs) return { id, state, outputs };
    }
    return { id, state, outputs: {} };
  }

  // Reads until `find` finds something: often at first, then every 15 seconds.
  async look(path, what, find) {
    for (let pause = 500; ; pause = Math.min(pause * 1.5, 15_000)) {
      const found = find((await this.read(path, what)).body);
      if (found !== undefined) return found;
      await this.wait(pause, what);
    }
  }

  async wait(ms, what) {
    if (Date.now() + ms > this.until) throw new Refusal(`gave up waiting for ${what}; run this again, or give it more \`timeout-minutes\``);
    await sleep(ms);
  }

  // One answer; trouble that passes is waited out, and what was just started may not be known yet.
  async read(path, what) {
    for (let attempt = 1; ; attempt++) {
      const answer = await call(`${this.base}/${path}`, { headers: this.headers });
      const passes = answer.status === 0 || answer.status === 429 || answer.status >= 500 || (answer.status === 404 && path.startsWith("executions/"));
      if (answer.status === 401 || answer.status === 403) throw new Refusal(refused("the API", answer.status));
      if (!passes) return answer;
      if (attempt >= 10) throw new Refusal(`Kestra does not tell ${what}: ${answer.why ?? `HTTP status ${answer.status}`}`);
      await this.wait(Math.min(200 * 2 ** attempt, 15_000), what);
    }
  }
}

function refused(what, status, why) {
  const reasons = {
    0: `Kestra does not answer (${why})`,
    401: "`kestra-user` or `kestra-password` is wrong",
    403: "Kestra does not let this user do it",
    404: `there is no flow \`${what}\` in \`namespace\`, or \`webhook-key\` is wrong`,
    409: "the flow is disabled",
    422: "Kestra does not take the request",
  };
  return `${what}: ${reasons[status] ?? `Kestra answers with HTTP status ${status}`}`;
}
