package io.maniple.cuda;

import java.util.List;

/** For the tests of the compilers, which stand in packages of their own. */
public final class AllKernelForms {
    private AllKernelForms() {}

    public static List<KernelText> texts() {
        return KernelForms.all();
    }
}
