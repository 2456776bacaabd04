package railstage.engine;

import io.kestra.core.serializers.JacksonMapper;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** One webhook run through the front, so that the start-up archive made from this process holds what later ones need. */
final class Training {
    private Training() {}

    static void run(Front front) throws Exception {
        String yaml;
        try (var resource = Training.class.getResourceAsStream("/training.yaml")) {
            yaml = new String(resource.readAllBytes());
        }
        HttpClient client = HttpClient.newHttpClient();
        String api = front.url() + Front.BASE;
        send(client, HttpRequest.newBuilder(URI.create(api + "/flows/validate")).POST(HttpRequest.BodyPublishers.ofString(yaml)));
        send(client, HttpRequest.newBuilder(URI.create(api + "/flows")).POST(HttpRequest.BodyPublishers.ofString(yaml)));
        String started = send(client, HttpRequest.newBuilder(URI.create(api + "/executions/webhook/railstage.engine/training/training"))
            .POST(HttpRequest.BodyPublishers.ofString("{\"a\":1}")));
        String id = JacksonMapper.ofJson().readTree(started).get("id").asText();
        String followed = send(client, HttpRequest.newBuilder(URI.create(api + "/executions/" + id + "/follow")));
        if (!followed.contains("SUCCESS")) throw new IllegalStateException("training run did not succeed: " + followed);
        for (String path : new String[] {"/outputs/executions/", "/outputs/tasks/", "/logs/", "/metrics/"}) {
            send(client, HttpRequest.newBuilder(URI.create(api + path + id)));
        }
    }

    private static String send(HttpClient client, HttpRequest.Builder request) throws Exception {
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) throw new IllegalStateException(response + " " + response.body());
        return response.body();
    }
}
