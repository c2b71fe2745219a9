package io.maniple.cluster.net;

import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.maniple.bridge.proto.Command;
import io.maniple.bridge.proto.Event;
import io.maniple.bridge.proto.Heartbeat;
import io.maniple.bridge.proto.Joined;
import io.maniple.bridge.proto.Joining;

/** The calls of the cluster's protocol. */
public final class Calls {
    /** Whose share a stream of tiles belongs to: session, epoch and the sender's rank. */
    public static final Metadata.Key<String> SHARE = Metadata.Key.of("maniple-share", Metadata.ASCII_STRING_MARSHALLER);

    /** From a worker to the server, as long as the worker lives. */
    public static final MethodDescriptor<Joining, Joined> JOIN = MethodDescriptor.<Joining, Joined>newBuilder()
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName("maniple.Cluster", "Join"))
            .setRequestMarshaller(ProtoUtils.marshaller(Joining.getDefaultInstance()))
            .setResponseMarshaller(ProtoUtils.marshaller(Joined.getDefaultInstance()))
            .build();

    /** From the server to a worker, as long as a session lives. */
    public static final MethodDescriptor<Command, Event> DRIVE = MethodDescriptor.<Command, Event>newBuilder()
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName("maniple.Worker", "Drive"))
            .setRequestMarshaller(ProtoUtils.marshaller(Command.getDefaultInstance()))
            .setResponseMarshaller(ProtoUtils.marshaller(Event.getDefaultInstance()))
            .build();

    /** From a worker to another one, as long as a session lives. */
    public static final MethodDescriptor<Tile, Heartbeat> PUSH = MethodDescriptor.<Tile, Heartbeat>newBuilder()
            .setType(MethodDescriptor.MethodType.CLIENT_STREAMING)
            .setFullMethodName(MethodDescriptor.generateFullMethodName("maniple.Worker", "Push"))
            .setRequestMarshaller(Tile.MARSHALLER)
            .setResponseMarshaller(ProtoUtils.marshaller(Heartbeat.getDefaultInstance()))
            .build();

    private Calls() {}

    public static BindableService join(ServerCallHandler<Joining, Joined> handler) {
        return () -> ServerServiceDefinition.builder("maniple.Cluster")
                .addMethod(JOIN, handler)
                .build();
    }

    public static BindableService worker(
            ServerCallHandler<Command, Event> drive, ServerCallHandler<Tile, Heartbeat> push) {
        return () -> ServerServiceDefinition.builder("maniple.Worker")
                .addMethod(DRIVE, drive)
                .addMethod(PUSH, push)
                .build();
    }
}
