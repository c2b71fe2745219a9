package io.maniple.daemon.security;

import io.grpc.netty.GrpcSslContexts;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.maniple.daemon.config.DaemonSettings;
import io.maniple.daemon.config.SettingException;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The server's side of TLS 1.2 and 1.3. Certificates that change are read again; connections there are stay. */
public final class TlsContexts {
    private static final Logger LOGGER = LoggerFactory.getLogger(TlsContexts.class);

    private final DaemonSettings.Tls files;
    private final AdvancedTlsX509KeyManager keys = new AdvancedTlsX509KeyManager();
    private final AdvancedTlsX509TrustManager clients;
    private Map<Path, FileTime> read;
    private volatile Instant expires = Instant.MAX;

    /** @throws SettingException where the files hold no certificate and its key */
    public TlsContexts(DaemonSettings.Tls files) {
        this.files = files;
        try {
            // Clients have no host names to check.
            this.clients = AdvancedTlsX509TrustManager.newBuilder()
                    .setVerification(AdvancedTlsX509TrustManager.Verification.CERTIFICATE_ONLY_VERIFICATION)
                    .build();
            this.read = times();
            load();
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            throw new SettingException("no certificate and key in " + files.certificate() + " and " + files.key() + ": "
                    + SettingException.reason(e));
        }
    }

    public SslContext forGrpc() {
        try {
            SslContextBuilder builder =
                    GrpcSslContexts.configure(SslContextBuilder.forServer(keys)).protocols("TLSv1.3", "TLSv1.2");
            if (files.clientCa().isPresent()) {
                builder.trustManager(clients).clientAuth(ClientAuth.REQUIRE);
            }
            return builder.build();
        } catch (IOException e) {
            throw new SettingException("TLS cannot be set up: " + e.getMessage());
        }
    }

    public SSLContext forHttp() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(new KeyManager[] {keys}, null, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new SettingException("TLS cannot be set up: " + e.getMessage());
        }
    }

    /** The server's side of one connection of ours, TLS 1.3. */
    public SSLEngine engine() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            TrustManager[] trust = files.clientCa().isPresent() ? new TrustManager[] {clients} : null;
            context.init(new KeyManager[] {keys}, trust, null);
            SSLEngine engine = context.createSSLEngine();
            engine.setUseClientMode(false);
            SSLParameters parameters = engine.getSSLParameters();
            parameters.setProtocols(new String[] {"TLSv1.3"});
            // The shorter key is the faster one.
            parameters.setCipherSuites(
                    new String[] {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"});
            parameters.setUseCipherSuitesOrder(true);
            parameters.setNeedClientAuth(files.clientCa().isPresent());
            engine.setSSLParameters(parameters);
            return engine;
        } catch (GeneralSecurityException e) {
            throw new SettingException("TLS cannot be set up: " + e.getMessage());
        }
    }

    /** To be called now and then. */
    public void refresh() {
        try {
            Map<Path, FileTime> now = times();
            if (!now.equals(read)) {
                load();
                read = now;
                LOGGER.info("Certificate read again");
            }
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            LOGGER.warn("The certificate stays as it was: {}", SettingException.reason(e));
        }
    }

    /** When the first of the chain that is in use ends. */
    public Instant expires() {
        return expires;
    }

    private void load() throws IOException, GeneralSecurityException {
        Instant earliest;
        try (InputStream chain = Files.newInputStream(files.certificate())) {
            earliest = CertificateFactory.getInstance("X.509").generateCertificates(chain).stream()
                    .map(certificate ->
                            ((X509Certificate) certificate).getNotAfter().toInstant())
                    .min(Comparator.naturalOrder())
                    .orElseThrow(() -> new CertificateException("there is no certificate in the file"));
        }
        keys.updateIdentityCredentials(files.certificate().toFile(), files.key().toFile());
        if (files.clientCa().isPresent()) {
            clients.updateTrustCredentials(files.clientCa().get().toFile());
        }
        expires = earliest;
    }

    private Map<Path, FileTime> times() throws IOException {
        Map<Path, FileTime> times = new HashMap<>();
        times.put(files.certificate(), Files.getLastModifiedTime(files.certificate()));
        times.put(files.key(), Files.getLastModifiedTime(files.key()));
        if (files.clientCa().isPresent()) {
            times.put(
                    files.clientCa().get(),
                    Files.getLastModifiedTime(files.clientCa().get()));
        }
        return times;
    }
}
