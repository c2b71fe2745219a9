package io.maniple.daemon.security;

import io.maniple.daemon.config.SettingException;
import io.maniple.daemon.config.SettingValues;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * What a daemon needs for being tried out: an authority of its own, a certificate for this host and localhost, a token
 * and a configuration.
 */
public final class TrialFiles {
    private static final Duration VALID = Duration.ofDays(365);
    private static final Duration CLOCKS_DIFFER = Duration.ofMinutes(10);

    private TrialFiles() {}

    /** A key pair and its certificate. */
    private record Identity(PrivateKey key, X509Certificate certificate) {}

    /**
     * Writes ca.pem, server.pem, server-key.pem, token and maniple.toml; the authority's key is not kept.
     *
     * @param names further names and addresses of the host
     * @throws SettingException where something is in the way
     */
    public static void write(Path directory, List<String> names) {
        try {
            Files.createDirectories(directory);
            for (String name : List.of("ca.pem", "server.pem", "server-key.pem", "token", SettingValues.FILE)) {
                if (Files.exists(directory.resolve(name))) {
                    throw new SettingException(
                            directory.resolve(name) + " is there already: remove it, or choose" + " another directory");
                }
            }
            Identity authority = authority();
            Identity server = server(authority, hosts(names));
            file(directory.resolve("ca.pem"), pem(authority.certificate()), "rw-r--r--");
            file(directory.resolve("server.pem"), pem(server.certificate()), "rw-r--r--");
            file(directory.resolve("server-key.pem"), pem(new JcaPKCS8Generator(server.key(), null)), "rw-------");
            file(directory.resolve("token"), Users.newToken() + "\n", "rw-------");
            file(directory.resolve(SettingValues.FILE), """
                    # Where a Maniple daemon listens and what it lets in; 'maniple server --help' has all settings.
                    listen = "127.0.0.1:8815"
                    tls_cert = "server.pem"
                    tls_key = "server-key.pem"
                    token_file = "token"
                    """, "rw-r--r--");
        } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
            throw new SettingException("cannot write to " + directory + ": " + e.getMessage());
        }
    }

    private static List<String> hosts(List<String> names) throws IOException {
        List<String> hosts = new ArrayList<>(List.of("localhost", "127.0.0.1", "::1"));
        hosts.add(InetAddress.getLocalHost().getHostName());
        hosts.addAll(names);
        return hosts.stream().distinct().toList();
    }

    private static Identity authority() throws GeneralSecurityException, OperatorCreationException, CertIOException {
        KeyPair pair = pair();
        X500Name name = name("Maniple trial authority");
        JcaX509v3CertificateBuilder builder = builder(name, name, pair);
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        builder.addExtension(
                Extension.subjectKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createSubjectKeyIdentifier(pair.getPublic()));
        return new Identity(pair.getPrivate(), sign(builder, pair.getPrivate()));
    }

    private static Identity server(Identity authority, List<String> hosts)
            throws GeneralSecurityException, OperatorCreationException, CertIOException {
        KeyPair pair = pair();
        X500Name issuer = X500Name.getInstance(
                authority.certificate().getSubjectX500Principal().getEncoded());
        JcaX509v3CertificateBuilder builder = builder(issuer, name("Maniple daemon"), pair);
        GeneralName[] alternatives = hosts.stream()
                .map(host -> new GeneralName(isAddress(host) ? GeneralName.iPAddress : GeneralName.dNSName, host))
                .toArray(GeneralName[]::new);
        builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(alternatives));
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth));
        builder.addExtension(
                Extension.authorityKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(authority.certificate()));
        return new Identity(pair.getPrivate(), sign(builder, authority.key()));
    }

    private static boolean isAddress(String host) {
        return host.indexOf(':') >= 0 || host.matches("[0-9.]+");
    }

    private static KeyPair pair() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return generator.generateKeyPair();
    }

    private static X500Name name(String common) {
        return new X500NameBuilder().addRDN(BCStyle.CN, common).build();
    }

    private static JcaX509v3CertificateBuilder builder(X500Name issuer, X500Name subject, KeyPair pair) {
        Instant now = Instant.now();
        return new JcaX509v3CertificateBuilder(
                issuer,
                new BigInteger(127, new SecureRandom()),
                Date.from(now.minus(CLOCKS_DIFFER)),
                Date.from(now.plus(VALID)),
                subject,
                pair.getPublic());
    }

    private static X509Certificate sign(JcaX509v3CertificateBuilder builder, PrivateKey key)
            throws OperatorCreationException, GeneralSecurityException {
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(key)));
    }

    private static String pem(Object object) throws IOException {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            writer.writeObject(object);
        }
        return text.toString();
    }

    private static void file(Path path, String text, String permissions) throws IOException {
        // Never readable by others, not even for a moment.
        Files.createFile(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(path, text.getBytes(StandardCharsets.UTF_8), StandardOpenOption.WRITE);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
    }
}
