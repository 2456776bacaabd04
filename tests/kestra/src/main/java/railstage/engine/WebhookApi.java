package railstage.engine;

import io.kestra.core.exceptions.NotFoundException;
import io.kestra.core.http.HttpRequest;
import io.kestra.core.http.HttpResponse;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.services.WebhookService;
import io.kestra.core.utils.IdUtils;
import io.kestra.plugin.core.trigger.AbstractWebhookTrigger;
import io.kestra.plugin.core.trigger.WebhookContext;

import java.util.List;
import java.util.Optional;

/** Finds the trigger by its key and hands the request to Kestra's own evaluation; a wrong key is a 404. */
final class WebhookApi {
    private final Engine engine;
    private final WebhookService webhooks;

    WebhookApi(Engine engine, Front front) {
        this.engine = engine;
        webhooks = engine.bean(WebhookService.class);
        for (String method : List.of("POST", "PUT", "GET")) {
            front.route(method, Front.BASE + "/executions/webhook/{namespace}/{id}/{key}", this::fire);
        }
    }

    private Answer fire(Call call) throws Exception {
        Flow flow = engine.flow(call.at("namespace"), call.at("id"));
        for (var trigger : Optional.ofNullable(flow.getTriggers()).orElse(List.of())) {
            if (trigger instanceof AbstractWebhookTrigger hook && !hook.isDisabled()
                && call.at("key").equals(webhooks.runContext(flow, hook).render(hook.getKey()))) return evaluate(call, flow, hook);
        }
        throw new NotFoundException("no such webhook");
    }

    private Answer evaluate(Call call, Flow flow, AbstractWebhookTrigger hook) throws Exception {
        String body = call.body();
        HttpRequest request = HttpRequest.of(call.exchange().getRequestURI(), call.exchange().getRequestMethod(),
            body.isEmpty() ? null : HttpRequest.StringRequestBody.of(body), call.exchange().getRequestHeaders());
        HttpResponse<?> response = hook.evaluate(new WebhookContext(request, null, flow, hook, webhooks, IdUtils.create(), null)).block();
        String contentType = Optional.ofNullable(response.getHeaders()).flatMap(headers -> headers.firstValue("Content-Type")).orElse(Answer.JSON);
        return new Answer(response.getStatus().getCode(), response.getBody() == null ? null : contentType, response.getBody());
    }
}
