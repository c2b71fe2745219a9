package io.maniple.cluster.net;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.Status;
import io.maniple.bridge.proto.Heartbeat;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Where tiles arrive: an inbox for every sender of every session. */
public final class Inboxes implements ServerCallHandler<Tile, Heartbeat> {
    private final Map<String, Inbox> inboxes = new ConcurrentHashMap<>();
    /** Sessions that are over; their late tiles are refused. */
    private final Map<String, Boolean> closed = new ConcurrentHashMap<>();

    static String name(String session, long epoch, int sender) {
        return session + "/" + epoch + "/" + sender;
    }

    /** Senders may come before the session is known here. */
    Inbox of(String session, long epoch, int sender) {
        return inboxes.computeIfAbsent(name(session, epoch, sender), key -> new Inbox());
    }

    /** Nothing is accepted for it any more. */
    void close(String session, long epoch) {
        String prefix = session + "/" + epoch + "/";
        closed.put(prefix, true);
        List<String> own = new ArrayList<>(inboxes.keySet());
        for (String name : own) {
            if (name.startsWith(prefix)) {
                Inbox inbox = inboxes.remove(name);
                if (inbox != null) {
                    inbox.fail("the session is closed");
                }
            }
        }
    }

    @Override
    public ServerCall.Listener<Tile> startCall(ServerCall<Tile, Heartbeat> call, Metadata headers) {
        String share = headers.get(Calls.SHARE);
        if (share == null || closed.containsKey(share.substring(0, share.lastIndexOf('/') + 1))) {
            call.close(Status.FAILED_PRECONDITION.withDescription("this epoch of the session is over"), new Metadata());
            return new ServerCall.Listener<>() {};
        }
        Inbox inbox = inboxes.computeIfAbsent(share, key -> new Inbox());
        inbox.attach(call);
        return new ServerCall.Listener<>() {
            @Override
            public void onMessage(Tile tile) {
                inbox.put(tile);
            }

            @Override
            public void onHalfClose() {
                inbox.end();
                call.sendHeaders(new Metadata());
                call.sendMessage(Heartbeat.getDefaultInstance());
                call.close(Status.OK, new Metadata());
            }

            @Override
            public void onCancel() {
                inbox.fail("the connection to it broke");
            }
        };
    }
}
