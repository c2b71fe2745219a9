package io.maniple.cluster.net;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Servers and channels inside the cluster. */
public final class Endpoints {
    private static final int FLOW_WINDOW = 8 << 20;
    private static final int MESSAGE_BYTES = 80 << 20;
    private static final int METADATA_BYTES = 8 << 10;
    private static final long KEEP_ALIVE_SECONDS = 2;
    private static final long KEEP_ALIVE_TIMEOUT_SECONDS = 3;

    private Endpoints() {}

    /** Listens; port 0 takes a free one. */
    public static Server listen(
            String host, int port, Credentials credentials, Executor executor, List<BindableService> services)
            throws IOException {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(new InetSocketAddress(host, port))
                .sslContext(credentials.forServer())
                .executor(executor)
                .flowControlWindow(FLOW_WINDOW)
                .maxInboundMessageSize(MESSAGE_BYTES)
                .maxInboundMetadataSize(METADATA_BYTES)
                .handshakeTimeout(10, TimeUnit.SECONDS)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .withChildOption(ChannelOption.TCP_NODELAY, true);
        services.forEach(builder::addService);
        return builder.build().start();
    }

    /** @param address "host:port" */
    public static ManagedChannel connect(String address, Credentials credentials, Executor executor) {
        int colon = address.lastIndexOf(':');
        return NettyChannelBuilder.forAddress(new InetSocketAddress(
                        address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))))
                .sslContext(credentials.forClient())
                .overrideAuthority(Credentials.NAME)
                .executor(executor)
                .flowControlWindow(FLOW_WINDOW)
                .maxInboundMessageSize(MESSAGE_BYTES)
                .maxInboundMetadataSize(METADATA_BYTES)
                // A peer that is there but does not answer is as good as lost.
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .withOption(ChannelOption.TCP_NODELAY, true)
                .build();
    }
}
