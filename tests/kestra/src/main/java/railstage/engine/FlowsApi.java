package railstage.engine;

import io.kestra.core.exceptions.NotFoundException;
import io.kestra.core.models.flows.FlowSource;
import io.kestra.core.models.flows.GenericFlow;

import java.util.Arrays;
import java.util.Optional;

/** Reading, validating, creating and updating flows. */
final class FlowsApi {
    private final Engine engine;

    FlowsApi(Engine engine, Front front) {
        this.engine = engine;
        front.route("POST", Front.BASE + "/flows/validate", this::validate);
        front.route("POST", Front.BASE + "/flows", call -> Answer.json(engine.flowService.create(GenericFlow.fromYaml(Engine.TENANT, call.body()))));
        front.route("PUT", Front.BASE + "/flows/{namespace}/{id}", call -> Answer.json(engine.flowService.update(
            GenericFlow.fromYaml(Engine.TENANT, call.body()), engine.flow(call.at("namespace"), call.at("id")))));
        front.route("GET", Front.BASE + "/flows/{namespace}/{id}", call -> Answer.json(
            engine.flows.findByIdWithSource(Engine.TENANT, call.at("namespace"), call.at("id"), Optional.empty())
                .orElseThrow(() -> new NotFoundException("no flow " + call.at("namespace") + "/" + call.at("id")))));
    }

    /** One answer per YAML document; {@code constraints} absent means valid. */
    private Answer validate(Call call) throws Exception {
        return Answer.json(engine.flowService.validate(Engine.TENANT, Arrays.stream(call.body().split("(?m)^---\\s*$"))
            .filter(document -> !document.isBlank()).map(document -> new FlowSource("flow.yaml", document)).toList()));
    }
}
