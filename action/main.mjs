// A staging copy for a pull request: made when it is opened, deployed to by a push, deleted when it is closed.

import { createHash } from "node:crypto";
import { PullRequest } from "./github.mjs";
import { Kestra } from "./kestra.mjs";
import { Refusal, event, failure, input, inputs, log, notice, output, warning } from "./runner.mjs";

const MAKES = ["opened", "reopened", "synchronize", "ready_for_review"];

function skip(why) {
  notice(`nothing is done: ${why}`);
  output("skipped", why);
}

async function main() {
  output("created", "false");
  if (process.env.GITHUB_EVENT_NAME !== "pull_request") {
    throw new Refusal("this runs for `pull_request` alone: `pull_request_target` would give secrets to whoever opens a pull request");
  }
  const { action, pull_request: of } = event();
  const repository = of.base.repo.full_name;
  if (of.head.repo?.full_name !== repository) return skip("the pull request comes from a fork, whose code gets no copy of your data");
  if (action !== "closed" && !MAKES.includes(action)) return skip(`\`${action}\` changes no code`);
  if (of.user.login === "dependabot[bot]" && !input("webhook-key")) return skip("GitHub gives this workflow's secrets to no run for Dependabot");
  const { request, kestra, until } = inputs();
  // The same name in every run for this pull request, by which each finds what was made.
  const name = `pr-${of.number}-${createHash("sha256").update(repository).digest("hex").slice(0, 6)}`;
  const marker = `<!-- railstage ${input("project-id")} ${name} -->`;
  const copy = new Copy(new Kestra(kestra, until), new PullRequest(repository, of.number, marker), name, { repository, request, of });
  output("environment", name);
  if (action === "closed") return copy.end();
  await copy.bring(of.head.sha);
}

class Copy {
  constructor(kestra, pull, name, about) {
    Object.assign(this, { kestra, pull, name, about });
  }

  // Makes the copy at this commit, or deploys the commit to the copy that is there.
  async bring(sha) {
    const now = await this.pull.now();
    if (!now.isOpen) return skip("the pull request is closed");
    if (now.sha !== sha) return skip("there is a newer push, whose own run deploys it");
    // Said before anything is made: a token that may not comment is found out here.
    if (!(await this.pull.comment())) await this.pull.say("Staging copy: being made …");
    const [url, error] = await this.made(sha).then((url) => [url], (error) => [null, error]);
    const then = await this.pull.now();
    // Closed meanwhile: who closed it may have found nothing to delete, or have deleted it under us.
    if (!then.isOpen) return this.end();
    // The run of a newer push speaks for itself, and may have done so.
    if (then.sha === sha) {
      const there = `Staging copy: ${url}\n\nAt commit ${sha}; deleted when this pull request is closed.`;
      await this.pull.say(error ? `Staging copy: commit ${sha} is not in it; the log of the job tells why.` : there);
    }
    if (error) throw error;
    output("url", url);
  }

  async made(sha) {
    let there = await this.settled();
    if (!there) {
      const { repository, request, of } = this.about;
      const asked = {
        owner: of.user.login,
        ...request,
        sources: { ...request.sources, [input("service")]: { commit: sha } },
        project_id: input("project-id"),
        environment_name: this.name,
        idempotency_key: `${repository}#${of.number}`,
      };
      const made = await this.kestra.fire("clone-staging", asked);
      const { status, url, railway_url } = made.outputs;
      output("created", String(status === "ok"));
      // Railway's address works before any DNS is set.
      if (status === "ok" || status === "ready") return address(railway_url || url);
      // Another run makes it: for the same commit, or for one before it, which is no copy of this name before it is made.
      there = await this.settled();
      if (!there) this.failed(made);
      if (status === "already_running") return address(there.url);
    }
    const deployment = {
      project_id: input("project-id"),
      environment: this.name,
      service: input("service"),
      repository: `${process.env.GITHUB_SERVER_URL ?? "https://github.com"}/${this.about.repository}`,
      ref: sha,
    };
    const deployed = await this.kestra.fire("deploy-to-railway", deployment);
    if (deployed.outputs.status !== "ok") this.failed(deployed);
    return address(there.url);
  }

  // The copy once it is ready; nothing when it is not there.
  async settled() {
    for (let pause = 2_000; ; pause = Math.min(pause * 1.5, 30_000)) {
      const there = await this.listed();
      if (!there || there.state === "ready") return there;
      if (there.state !== "cloning" && there.state !== "rolling_back") {
        throw new Refusal(`the copy \`${this.name}\` is ${there.state ?? "not one that is ours"}; delete it, and run this again`);
      }
      log(`${this.name} is ${there.state}: waiting`);
      await this.kestra.wait(pause, `${this.name} to be ready`);
    }
  }

  async listed() {
    const ended = await this.kestra.submit("list-staging", { project_id: input("project-id") });
    const all = ended.outputs.environments;
    if (ended.state !== "SUCCESS" || !Array.isArray(all)) throw new Refusal(`list-staging ended as ${ended.state}; look at execution ${ended.id}`);
    return all.find(({ name }) => name === this.name);
  }

  // Deletes the copy, if there is one; it may still be being made.
  async end() {
    if (await this.listed()) {
      const fields = { project_id: input("project-id"), environment: this.name, confirm: this.name };
      const ended = await this.kestra.submit("delete-staging", fields);
      // Who else deletes it at the same time has done it as well.
      if (ended.state !== "SUCCESS" && (await this.listed())) this.failed(ended);
    }
    output("url", "");
    await this.pull.correct("Staging copy: deleted.");
  }

  failed({ id, state, outputs: { error, hint } }) {
    throw new Refusal(`${error || `the execution ended as ${state}`}${hint ? `; hint: ${hint}` : ""} (execution ${id})`);
  }
}

// Kestra's answer stands in a comment: what is no plain address does not.
function address(url) {
  if (!/^https:\/\/[a-z0-9.-]+(:\d+)?\/?$/.test(url ?? "")) throw new Refusal("Kestra tells no address of the copy");
  return url;
}

main().catch((error) => {
  if (!(error instanceof Refusal)) warning("this is a defect of the action");
  failure(error instanceof Refusal ? error.message : error.stack);
  process.exitCode = 1;
});
