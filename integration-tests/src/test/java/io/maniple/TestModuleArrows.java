package io.maniple;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/**
 * Holds the arrows of docs/architecture.md. Maven keeps the modules apart; this also sees what a module's poms would
 * allow by way of another module, and the packages inside.
 */
class TestModuleArrows {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.maniple");

    @Test
    void classesOfAllModulesAreRead() {
        assertThat(CLASSES.stream().map(type -> type.getPackageName()).distinct())
                .contains("io.maniple.bridge.program", "io.maniple.kernels.ir", "io.maniple.kernels.ops");
    }

    @Test
    void bridgeKnowsNoOther() {
        mayNotUse("io.maniple.bridge..", "io.maniple.kernels..", "io.maniple.cuda..", "io.maniple.server..");
    }

    @Test
    void kernelsKnowOnlyTheBridge() {
        mayNotUse("io.maniple.kernels..", "io.maniple.cuda..", "io.maniple.server..");
    }

    @Test
    void cudaDoesNotKnowTheServer() {
        mayNotUse("io.maniple.cuda..", "io.maniple.server..");
        mayNotUse("io.maniple.kernels.cuda..", "io.maniple.server..");
    }

    @Test
    void nobodyKnowsTheDaemon() {
        for (String one : new String[] {"bridge", "kernels", "cuda", "server"}) {
            mayNotUse("io.maniple." + one + "..", "io.maniple.daemon..");
        }
    }

    @Test
    void packagesOfTheDaemonFormNoCycle() {
        slices().matching("io.maniple.daemon.(*)..")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    /** The kernel form is the bottom: how it is written and how it is run depend on it, and not on one another. */
    @Test
    void kernelFormStandsAlone() {
        mayNotUse(
                "io.maniple.kernels.ir..",
                "io.maniple.kernels.ops..",
                "io.maniple.kernels.portable..",
                "io.maniple.kernels.x86..");
        mayNotUse("io.maniple.kernels.ops..", "io.maniple.kernels.portable..", "io.maniple.kernels.x86..");
        mayNotUse("io.maniple.kernels.portable..", "io.maniple.kernels.x86..");
    }

    @Test
    void packagesOfTheServerFormNoCycle() {
        slices().matching("io.maniple.server.(*)..")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    private static void mayNotUse(String from, String... to) {
        noClasses()
                .that()
                .resideInAPackage(from)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(to)
                .allowEmptyShould(true)
                .check(CLASSES);
    }
}
