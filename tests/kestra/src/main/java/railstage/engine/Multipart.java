package railstage.engine;

import io.micronaut.http.MediaType;
import io.micronaut.http.multipart.CompletedPart;
import org.apache.commons.fileupload.MultipartStream;
import org.apache.commons.fileupload.ParameterParser;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Form fields of a {@code multipart/form-data} body, in the shape that Kestra's own input reader takes; files are not told apart. */
final class Multipart {
    private static final int BUFFER_BYTES = 8192;

    private Multipart() {}

    private record Field(String name, byte[] bytes) implements CompletedPart {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public InputStream getInputStream() {
            return new ByteArrayInputStream(bytes);
        }

        @Override
        public byte[] getBytes() {
            return bytes;
        }

        @Override
        public ByteBuffer getByteBuffer() {
            return ByteBuffer.wrap(bytes);
        }

        @Override
        public Optional<MediaType> getContentType() {
            return Optional.empty();
        }
    }

    /** No fields when the body is none of a form. */
    static List<CompletedPart> fields(Call call) throws IOException {
        String contentType = call.header("Content-Type").orElse("");
        String boundary = parameter(contentType, "boundary");
        if (!contentType.toLowerCase().startsWith("multipart/form-data") || boundary == null) return List.of();
        byte[] body = call.exchange().getRequestBody().readAllBytes();
        List<CompletedPart> fields = new ArrayList<>();
        if (body.length == 0) return fields;
        var parts = new MultipartStream(new ByteArrayInputStream(body), boundary.getBytes(StandardCharsets.ISO_8859_1), BUFFER_BYTES, null);
        parts.setHeaderEncoding("UTF-8");
        for (boolean more = parts.skipPreamble(); more; more = parts.readBoundary()) {
            String headers = parts.readHeaders();
            ByteArrayOutputStream value = new ByteArrayOutputStream();
            parts.readBodyData(value);
            headers.lines().filter(line -> line.toLowerCase().startsWith("content-disposition:"))
                .map(line -> parameter(line, "name")).findFirst()
                .ifPresent(name -> fields.add(new Field(name, value.toByteArray())));
        }
        return fields;
    }

    private static String parameter(String header, String name) {
        ParameterParser parser = new ParameterParser();
        parser.setLowerCaseNames(true);
        return parser.parse(header, ';').get(name);
    }
}
