package io.maniple.cluster.net;

import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * What lets a process take part in one run of a cluster: a key and its certificate, made anew by each server and known to
 * nobody but it and its workers. Every connection inside the cluster is TLS, both sides show the certificate, and neither
 * accepts another one.
 */
public final class Credentials {
    /** All of them go by this name; they have no others that could be checked. */
    public static final String NAME = "maniple-cluster";

    private static final Duration VALID = Duration.ofDays(3650);
    private static final Duration CLOCKS_DIFFER = Duration.ofDays(1);
    private static final List<String> PROTOCOLS = List.of("TLSv1.3");

    private final String certificate;
    private final String key;

    private Credentials(String certificate, String key) {
        this.certificate = certificate;
        this.key = key;
    }

    public static Credentials create() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            KeyPair pair = generator.generateKeyPair();
            X500Name name = new X500Name("CN=" + NAME);
            Instant now = Instant.now();
            JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                    name,
                    new BigInteger(127, new SecureRandom()),
                    Date.from(now.minus(CLOCKS_DIFFER)),
                    Date.from(now.plus(VALID)),
                    name,
                    pair.getPublic());
            builder.addExtension(
                    Extension.subjectAlternativeName,
                    false,
                    new GeneralNames(new GeneralName(GeneralName.dNSName, NAME)));
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
            X509Certificate signed = new JcaX509CertificateConverter()
                    .getCertificate(
                            builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate())));
            return new Credentials(pem(signed), pem(new JcaPKCS8Generator(pair.getPrivate(), null)));
        } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
            throw new IllegalStateException("no key for the cluster can be made", e);
        }
    }

    private static String pem(Object object) throws IOException {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            writer.writeObject(object);
        }
        return text.toString();
    }

    /** One line of text, a secret. */
    public String line() {
        return Base64.getEncoder().encodeToString((certificate + "\f" + key).getBytes(StandardCharsets.US_ASCII));
    }

    /** @throws IllegalArgumentException if the line is not what {@link #line()} gives */
    public static Credentials ofLine(String line) {
        String[] parts = new String(Base64.getDecoder().decode(line.strip()), StandardCharsets.US_ASCII).split("\f");
        if (parts.length != 2) {
            throw new IllegalArgumentException("these are no credentials of a cluster");
        }
        return new Credentials(parts[0], parts[1]);
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII));
    }

    SslContext forServer() {
        try {
            return GrpcSslContexts.configure(SslContextBuilder.forServer(stream(certificate), stream(key)))
                    .trustManager(stream(certificate))
                    .clientAuth(ClientAuth.REQUIRE)
                    .protocols(PROTOCOLS)
                    .build();
        } catch (IOException e) {
            throw new IllegalStateException("TLS cannot be set up", e);
        }
    }

    SslContext forClient() {
        try {
            return GrpcSslContexts.configure(SslContextBuilder.forClient())
                    .keyManager(stream(certificate), stream(key))
                    .trustManager(stream(certificate))
                    .protocols(PROTOCOLS)
                    .build();
        } catch (IOException e) {
            throw new IllegalStateException("TLS cannot be set up", e);
        }
    }
}
