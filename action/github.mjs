// GitHub's API, as far as one comment on one pull request goes.

import { Refusal, call, input, sleep } from "./runner.mjs";

export class PullRequest {
  constructor(repository, number, marker) {
    this.base = `${process.env.GITHUB_API_URL ?? "https://api.github.com"}/repos/${repository}`;
    [this.number, this.marker] = [number, marker];
    this.headers = {
      Authorization: `Bearer ${input("github-token")}`,
      Accept: "application/vnd.github+json",
      "X-GitHub-Api-Version": "2022-11-28",
      "User-Agent": "railstage",
    };
  }

  async ask(method, path, body) {
    const options = { method, headers: this.headers, body: body && JSON.stringify(body) };
    let answer = await call(`${this.base}/${path}`, options);
    // What only reads is asked again.
    for (let left = 4; method === "GET" && left > 0 && (answer.status === 0 || answer.status >= 500); left--) {
      await sleep(2_000);
      answer = await call(`${this.base}/${path}`, options);
    }
    if (answer.status === 403 || answer.status === 404) {
      throw new Refusal("GitHub does not let the token comment on the pull request: the job needs `permissions:` `pull-requests: write`");
    }
    if (answer.status < 200 || answer.status > 299) {
      throw new Refusal(`GitHub does not take the comment: ${answer.why ?? `HTTP status ${answer.status}`}; run this again`);
    }
    return answer.body;
  }

  // What it is now: the event may be older than the last push, or than the end.
  async now() {
    const { state, head } = await this.ask("GET", `pulls/${this.number}`);
    return { isOpen: state === "open", sha: head.sha };
  }

  // Our comment: it begins with the marker, and is ours by its author, since anybody may write a marker.
  async comment() {
    for (let page = 1; page <= 100; page++) {
      const all = await this.ask("GET", `issues/${this.number}/comments?per_page=100&page=${page}`);
      const own = all.find(({ body, user }) => user?.login === input("comment-author") && body?.startsWith(this.marker));
      if (own || all.length < 100) return own;
    }
  }

  // Says something, in the place of what was said before.
  async say(text) {
    const own = await this.comment();
    const body = `${this.marker}\n${text}`;
    if (!own) return this.ask("POST", `issues/${this.number}/comments`, { body });
    if (own.body !== body) return this.ask("PATCH", `issues/comments/${own.id}`, { body });
  }

  // The same where nothing was said that would be wrong now.
  async correct(text) {
    if (await this.comment()) await this.say(text);
  }
}
