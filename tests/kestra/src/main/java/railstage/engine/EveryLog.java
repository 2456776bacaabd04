package railstage.engine;

import io.kestra.core.models.QueryFilter;
import io.kestra.core.runners.FollowLogEvent;
import io.kestra.core.services.FollowLogEventMatcher;

import java.util.List;

/** Kestra's log stream asks the (unpublished) webserver which lines a follower wants; ours wants all of them. */
final class EveryLog implements FollowLogEventMatcher {
    @Override
    public boolean matches(FollowLogEvent event, List<QueryFilter> filters) {
        return true;
    }
}
