package railstage.engine;

import io.kestra.core.exceptions.ConflictException;
import io.kestra.core.exceptions.DeserializationException;
import io.kestra.core.exceptions.FlowProcessingException;
import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.exceptions.InputOutputValidationException;
import io.kestra.core.exceptions.NotFoundException;
import jakarta.validation.ConstraintViolationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;

/** Errors as {@code application/problem+json} (RFC 9457), with the status that Kestra gives them. */
final class Problems {
    private static final Logger LOG = LoggerFactory.getLogger(Problems.class);

    private Problems() {}

    static Answer answer(Throwable thrown, String path) {
        Throwable t = thrown;
        while (t.getCause() != null && (t instanceof CompletionException || t.getClass().getName().startsWith("reactor."))) t = t.getCause();
        int status = switch (t) {
            case NotFoundException n -> 404;
            case ConflictException c -> 409;
            case InputOutputValidationException i -> 422;
            case ConstraintViolationException c -> 422;
            case IllegalVariableEvaluationException i -> 422;
            case DeserializationException d -> 422;
            case FlowProcessingException f -> 422;
            case IllegalArgumentException i -> 422;
            case UnsupportedOperationException u -> 501;
            default -> 500;
        };
        if (status == 500) LOG.warn("{} answered with 500", path, t);
        return Answer.problem(status, t.getMessage() == null ? t.getClass().getSimpleName() : t.getMessage(), path);
    }

    static Map<String, Object> body(int status, String detail, String instance) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("type", "about:blank");
        body.put("title", title(status));
        body.put("status", status);
        body.put("detail", detail);
        body.put("instance", instance);
        return body;
    }

    private static String title(int status) {
        return switch (status) {
            case 401 -> "Unauthorized";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 409 -> "Conflict";
            case 422 -> "Unprocessable Entity";
            case 501 -> "Not Implemented";
            default -> "Internal Server Error";
        };
    }
}
