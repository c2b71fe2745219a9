package io.maniple.cuda.nvidia;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.DeviceProperties;
import io.maniple.cuda.driver.Driver;
import io.maniple.cuda.driver.Product;
import io.maniple.cuda.driver.Transform;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/** The first NVIDIA GPU, by the driver's own interface as JCuda binds it. */
public final class NvidiaDriver implements Driver {
    private static final int LEAST_VERSION = 12_000;
    private static final int BLOCK_THREADS = 256;
    private static final int NAME_BYTES = 256;
    private static final String LIBRARY = "libJCudaDriver-12.6.0-linux-x86_64.so";
    /** One transfer of a buffer that Java can address. */
    private static final long PIECE = 1L << 30;

    /** What a PCIe 4 bus moves; only estimates depend on it. */
    private static final double HOST_BYTES_PER_SECOND = 20e9;

    private final CUdevice device = new CUdevice();
    private final CUcontext context = new CUcontext();
    private final DeviceProperties properties;
    private final List<Path> folders;
    private @Nullable Cublas products;
    private @Nullable Cufft transforms;

    /** An address that the driver gave, and one that it is given. */
    private static final class Address extends CUdeviceptr {
        long value() {
            return getNativePointer() + getByteOffset();
        }
    }

    /** A stream whose handle other libraries are given. */
    private static final class Queue extends CUstream {
        long value() {
            return getNativePointer();
        }
    }

    private NvidiaDriver(List<Path> folders) throws DeviceException {
        this.folders = folders;
        check("cuInit", JCudaDriver.cuInit(0));
        int[] number = new int[1];
        check("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(number));
        String version = number[0] / 1000 + "." + number[0] % 1000 / 10;
        if (number[0] < LEAST_VERSION) {
            throw new DeviceException(
                    DeviceException.Kind.UNAVAILABLE,
                    "the NVIDIA driver is for CUDA " + version + "; Maniple needs one for CUDA 12.0 or newer");
        }
        check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(number));
        if (number[0] == 0) {
            throw new DeviceException(DeviceException.Kind.UNAVAILABLE, "the NVIDIA driver knows no GPU");
        }
        check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, 0));
        check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
        enter();
        byte[] name = new byte[NAME_BYTES];
        check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, NAME_BYTES, device));
        long[] bytes = new long[1];
        check("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(bytes, device));
        int major = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
        int minor = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        // Kilohertz, and bits: two transfers a cycle.
        double memory = 2e3
                * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)
                * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)
                / 8;
        this.properties = new DeviceProperties(
                new String(name, StandardCharsets.UTF_8).replace("\0", "").strip(),
                "sm_" + major + minor,
                version,
                attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
                BLOCK_THREADS,
                bytes[0],
                Math.max(100e9, memory),
                HOST_BYTES_PER_SECOND,
                Cublas.isThere(folders),
                Cufft.isThere(folders));
    }

    /**
     * @param folders to look for cuBLAS and cuFFT in, with what is below them
     * @throws DeviceException UNAVAILABLE, with what is missing
     */
    public static NvidiaDriver open(List<Path> folders) throws DeviceException {
        // JCuda would otherwise look in the temporary directory, where anybody may have put one.
        boolean shipped = false;
        for (String folder : System.getProperty("java.library.path", "").split(":")) {
            shipped |= !folder.isEmpty() && Files.isRegularFile(Path.of(folder, LIBRARY));
        }
        if (!shipped) {
            throw new DeviceException(
                    DeviceException.Kind.UNAVAILABLE,
                    LIBRARY + " is not in java.library.path (" + System.getProperty("java.library.path")
                            + "): the installation is not complete");
        }
        try {
            return new NvidiaDriver(List.copyOf(folders));
        } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
            throw new DeviceException(
                    DeviceException.Kind.UNAVAILABLE, "there is no NVIDIA driver on this machine: " + reason(e), e);
        }
    }

    /** The dynamic linker's own words, which stand somewhere in JCuda's. */
    private static String reason(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String text = String.valueOf(cause.getMessage());
            for (String line : text.split("\n")) {
                int at = line.indexOf("cannot open");
                if (at >= 0) {
                    int begin = line.lastIndexOf(": lib", at);
                    return line.substring(begin < 0 ? 0 : begin + 2).strip();
                }
            }
        }
        return String.valueOf(failure.getMessage()).lines().findFirst().orElse("?");
    }

    private int attribute(int number) throws DeviceException {
        int[] value = new int[1];
        check("cuDeviceGetAttribute", JCudaDriver.cuDeviceGetAttribute(value, number, device));
        return value[0];
    }

    /** Every thread has to say which context it means. */
    private void enter() throws DeviceException {
        check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
    }

    private static void check(String call, int status) throws DeviceException {
        if (status == CUresult.CUDA_SUCCESS) {
            return;
        }
        String[] text = new String[1];
        JCudaDriver.cuGetErrorString(status, text);
        DeviceException.Kind kind = switch (status) {
            case CUresult.CUDA_ERROR_OUT_OF_MEMORY -> DeviceException.Kind.OUT_OF_MEMORY;
            case CUresult.CUDA_ERROR_NO_DEVICE,
                    CUresult.CUDA_ERROR_NOT_INITIALIZED,
                    CUresult.CUDA_ERROR_SYSTEM_NOT_READY,
                    CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH -> DeviceException.Kind.UNAVAILABLE;
            case CUresult.CUDA_ERROR_INVALID_VALUE,
                    CUresult.CUDA_ERROR_INVALID_IMAGE,
                    CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU,
                    CUresult.CUDA_ERROR_INVALID_SOURCE,
                    CUresult.CUDA_ERROR_NOT_FOUND,
                    CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
                    CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES -> DeviceException.Kind.REFUSED;
            // Illegal addresses, assertions, time-outs and the like end the context with all that is in it.
            default -> DeviceException.Kind.LOST;
        };
        throw new DeviceException(kind, call + ": " + text[0] + " (CUDA error " + status + ")");
    }

    /** Memory at an address, as JCuda wants it. */
    private static CUdeviceptr at(long address) {
        return new CUdeviceptr().withByteOffset(address);
    }

    private static Pointer host(long address, long bytes) {
        return Pointer.to(MemorySegment.ofAddress(address).reinterpret(bytes).asByteBuffer());
    }

    @Override
    public DeviceProperties properties() {
        return properties;
    }

    @Override
    public long freeBytes() throws DeviceException {
        enter();
        long[] free = new long[1];
        check("cuMemGetInfo", JCudaDriver.cuMemGetInfo(free, new long[1]));
        return free[0];
    }

    @Override
    public long allocate(long bytes) throws DeviceException {
        enter();
        Address address = new Address();
        try {
            check("cuMemAlloc", JCudaDriver.cuMemAlloc(address, bytes));
        } catch (DeviceException e) {
            throw e.kind() != DeviceException.Kind.OUT_OF_MEMORY
                    ? e
                    : new DeviceException(
                            e.kind(),
                            bytes + " bytes do not fit in the GPU's memory, of which " + freeBytes() + " of "
                                    + properties.memoryBytes() + " bytes are free",
                            e);
        }
        return address.value();
    }

    @Override
    public void free(long address) throws DeviceException {
        enter();
        check("cuMemFree", JCudaDriver.cuMemFree(at(address)));
    }

    @Override
    public Stream stream() throws DeviceException {
        enter();
        return new NvidiaStream();
    }

    @Override
    public Event event() throws DeviceException {
        enter();
        return new NvidiaEvent();
    }

    @Override
    public Module load(byte[] code) throws DeviceException {
        enter();
        return new NvidiaModule(code);
    }

    @Override
    public void close() {
        if (products != null) {
            products.close();
        }
        if (transforms != null) {
            transforms.close();
        }
        // What it returns cannot be helped any more.
        JCudaDriver.cuDevicePrimaryCtxRelease(device);
    }

    private synchronized Cublas products() throws DeviceException {
        if (products == null) {
            products = Cublas.open(folders);
        }
        return products;
    }

    private synchronized Cufft transforms() throws DeviceException {
        if (transforms == null) {
            transforms = Cufft.open(folders);
        }
        return transforms;
    }

    private record NvidiaFunction(CUfunction function) implements Function {}

    private final class NvidiaStream implements Stream {
        private final Queue stream = new Queue();

        NvidiaStream() throws DeviceException {
            check("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, 1));
        }

        @Override
        public void upload(long host, long device, long bytes) throws DeviceException {
            enter();
            for (long done = 0; done < bytes; done += PIECE) {
                long piece = Math.min(PIECE, bytes - done);
                check(
                        "cuMemcpyHtoDAsync",
                        JCudaDriver.cuMemcpyHtoDAsync(at(device + done), host(host + done, piece), piece, stream));
            }
            // Pageable memory may still be read when the call has returned.
            synchronize();
        }

        @Override
        public void download(long device, long host, long bytes) throws DeviceException {
            enter();
            for (long done = 0; done < bytes; done += PIECE) {
                long piece = Math.min(PIECE, bytes - done);
                check(
                        "cuMemcpyDtoHAsync",
                        JCudaDriver.cuMemcpyDtoHAsync(host(host + done, piece), at(device + done), piece, stream));
            }
        }

        @Override
        public void copy(long from, long to, long bytes) throws DeviceException {
            enter();
            check("cuMemcpyDtoDAsync", JCudaDriver.cuMemcpyDtoDAsync(at(to), at(from), bytes, stream));
        }

        @Override
        public void zero(long device, long bytes) throws DeviceException {
            enter();
            check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(at(device), (byte) 0, bytes, stream));
        }

        @Override
        public void launch(Function function, Grid grid, byte[] argument) throws DeviceException {
            enter();
            ByteBuffer box = ByteBuffer.allocateDirect(argument.length).order(ByteOrder.nativeOrder());
            box.put(argument).rewind();
            check(
                    "cuLaunchKernel",
                    JCudaDriver.cuLaunchKernel(
                            ((NvidiaFunction) function).function(),
                            grid.blocksX(),
                            grid.blocksY(),
                            1,
                            grid.threadsX(),
                            grid.threadsY(),
                            1,
                            0,
                            stream,
                            Pointer.to(Pointer.to(box)),
                            null));
        }

        @Override
        public boolean multiply(Product product) throws DeviceException {
            if (!properties.products() || !Cublas.suits(product)) {
                return false;
            }
            enter();
            products().multiply(stream.value(), product);
            return true;
        }

        @Override
        public boolean transform(Transform transform) throws DeviceException {
            if (!properties.transforms() || !Cufft.suits(transform)) {
                return false;
            }
            enter();
            transforms().transform(stream.value(), transform);
            return true;
        }

        @Override
        public void await(Event event) throws DeviceException {
            enter();
            check("cuStreamWaitEvent", JCudaDriver.cuStreamWaitEvent(stream, ((NvidiaEvent) event).event, 0));
        }

        @Override
        public void synchronize() throws DeviceException {
            enter();
            check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
        }

        @Override
        public void close() {
            JCudaDriver.cuStreamDestroy(stream);
        }
    }

    private final class NvidiaEvent implements Event {
        private final CUevent event = new CUevent();

        NvidiaEvent() throws DeviceException {
            check("cuEventCreate", JCudaDriver.cuEventCreate(event, 0));
        }

        @Override
        public void record(Stream stream) throws DeviceException {
            enter();
            check("cuEventRecord", JCudaDriver.cuEventRecord(event, ((NvidiaStream) stream).stream));
        }

        @Override
        public void synchronize() throws DeviceException {
            enter();
            check("cuEventSynchronize", JCudaDriver.cuEventSynchronize(event));
        }

        @Override
        public double secondsTo(Event later) throws DeviceException {
            enter();
            float[] milliseconds = new float[1];
            check(
                    "cuEventElapsedTime",
                    JCudaDriver.cuEventElapsedTime(milliseconds, event, ((NvidiaEvent) later).event));
            return milliseconds[0] / 1e3;
        }

        @Override
        public void close() {
            JCudaDriver.cuEventDestroy(event);
        }
    }

    private final class NvidiaModule implements Module {
        private final CUmodule module = new CUmodule();

        NvidiaModule(byte[] code) throws DeviceException {
            check("cuModuleLoadData", JCudaDriver.cuModuleLoadData(module, code));
        }

        @Override
        public Function function(String name) throws DeviceException {
            enter();
            CUfunction function = new CUfunction();
            check("cuModuleGetFunction", JCudaDriver.cuModuleGetFunction(function, module, name));
            return new NvidiaFunction(function);
        }

        @Override
        public void close() {
            JCudaDriver.cuModuleUnload(module);
        }
    }
}
