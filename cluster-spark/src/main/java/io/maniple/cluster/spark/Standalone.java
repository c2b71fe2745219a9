package io.maniple.cluster.spark;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.server.NoOpRpcHandler;
import org.apache.spark.network.util.TransportConf;
import org.apache.spark.rpc.RpcAddress;
import org.apache.spark.rpc.RpcEnv;
import org.jspecify.annotations.Nullable;
import scala.Option;

/** The masters of a standalone cluster, asked before Spark does: Spark itself would try for a minute, and not say why. */
final class Standalone {
    private static final String SCHEME = "spark://";
    private static final String ENDPOINT = "Master";
    private static final int CONNECT_MILLISECONDS = 3000;

    private final List<InetSocketAddress> masters;

    private Standalone(List<InetSocketAddress> masters) {
        this.masters = masters;
    }

    /** The masters in a URL spark://HOST:PORT[,HOST:PORT…], or null for other kinds of clusters. */
    static @Nullable Standalone of(String url) {
        if (!url.startsWith(SCHEME)) {
            return null;
        }
        List<InetSocketAddress> masters = new ArrayList<>();
        for (String master : url.substring(SCHEME.length()).split(",", -1)) {
            int colon = master.lastIndexOf(':');
            String host = master.substring(0, Math.max(colon, 0));
            try {
                masters.add(new InetSocketAddress(host, Integer.parseInt(master.substring(colon + 1))));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("the master's URL is spark://HOST:PORT[,HOST:PORT…], not " + url, e);
            }
        }
        return new Standalone(masters);
    }

    /** This machine's address on the way to the master: the one under which executors can reach the driver. */
    @Nullable String localAddress() {
        for (InetSocketAddress master : masters) {
            // Connecting a datagram socket sends nothing; it asks for the route.
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.connect(master);
                InetAddress local = socket.getLocalAddress();
                if (!local.isAnyLocalAddress()) {
                    return local.getHostAddress();
                }
            } catch (IOException | IllegalArgumentException e) {
                continue;
            }
        }
        return null;
    }

    /** Whether anybody listens. */
    boolean listens() {
        return masters.stream().anyMatch(master -> connectFailure(master) == null);
    }

    /** Why none of the masters lets us in, or null. */
    @Nullable String refusal(SparkConf conf, String localHost) {
        List<String> reasons = new ArrayList<>();
        for (InetSocketAddress master : masters) {
            String reason = connectFailure(master);
            if (reason == null) {
                reason = rpcFailure(conf, localHost, master);
            }
            if (reason == null) {
                return null;
            }
            reasons.add(reason);
        }
        return String.join("; ", reasons);
    }

    private static @Nullable String connectFailure(InetSocketAddress master) {
        if (master.isUnresolved()) {
            return name(master) + " cannot be found: the name " + master.getHostString() + " is not known";
        }
        try (Socket socket = new Socket()) {
            socket.connect(master, CONNECT_MILLISECONDS);
            return null;
        } catch (IOException e) {
            return name(master) + " cannot be reached (" + e.getMessage()
                    + "): is it running, and is that its address?";
        }
    }

    /**
     * These classes are not of Spark's public interface: where a cluster's Spark has changed them, Spark itself finds out,
     * later.
     */
    private static @Nullable String rpcFailure(SparkConf conf, String localHost, InetSocketAddress master) {
        try {
            SecurityManager security =
                    new SecurityManager(conf, Option.empty(), SecurityManager.$lessinit$greater$default$3());
            return security.isAuthenticationEnabled()
                    ? authenticationFailure(conf, security, master)
                    : lookupFailure(conf, security, localHost, master);
        } catch (LinkageError e) {
            System.err.println("The master is not asked beforehand: " + e);
            return null;
        }
    }

    private static @Nullable String authenticationFailure(
            SparkConf conf, SecurityManager security, InetSocketAddress master) {
        TransportConf transport = SparkTransportConf.fromSparkConf(conf, "rpc", 1, Option.empty(), Option.empty());
        try (TransportContext context = new TransportContext(transport, new NoOpRpcHandler());
                TransportClientFactory factory = context.createClientFactory(
                        List.of(new AuthClientBootstrap(transport, security.getSaslUser(), security)));
                TransportClient client = factory.createClient(master.getHostString(), master.getPort())) {
            return client.isActive() ? null : name(master) + " hangs up";
        } catch (IOException | RuntimeException e) {
            return name(master) + " refuses the cluster's secret (" + rootMessage(e)
                    + "): it must be the one that the master was started with, and both must have"
                    + " spark.authenticate and spark.network.crypto.enabled";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return name(master) + " was not waited for";
        }
    }

    /** Without a secret: a master that asks for one does not answer. */
    private static @Nullable String lookupFailure(
            SparkConf conf, SecurityManager security, String localHost, InetSocketAddress master) {
        SparkConf impatient = conf.clone().set("spark.rpc.lookupTimeout", "4s").set("spark.rpc.askTimeout", "4s");
        RpcEnv environment = RpcEnv.create("maniple-probe", localHost, 0, impatient, security, true);
        try {
            environment.setupEndpointRef(RpcAddress.apply(master.getHostString(), master.getPort()), ENDPOINT);
            return null;
        } catch (Exception e) {
            // Scala does not declare them.
            return name(master) + " does not let us in (" + rootMessage(e)
                    + "): does it ask for a secret? --cluster-secret-file FILE names the file with it";
        } finally {
            environment.shutdown();
        }
    }

    private static String name(InetSocketAddress master) {
        return "the Spark master at " + master.getHostString() + ":" + master.getPort();
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        // An exception of the other side's comes as text with its stack.
        String line = String.valueOf(root.getMessage()).lines().findFirst().orElse("");
        return line.replaceAll("^([\\w.]+(Exception|Error): )+", "");
    }
}
