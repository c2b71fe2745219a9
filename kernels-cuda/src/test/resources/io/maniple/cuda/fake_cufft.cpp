// A cuFFT that works on the host's memory, by plain loops. At most 8 plans at once; a length of 13 has no memory.
#include <cmath>
#include <complex>
#include <map>
#include <vector>

namespace {
struct Plan {
    int length, rows;
    long stream;
};
std::map<int, Plan> plans;
int last = 100;
}  // namespace

extern "C" int cufftPlan1d(int* plan, int length, int type, int rows) {
    if (length == 13) return 2;
    if (type != 0x69 || length < 1 || rows < 1 || plans.size() >= 8) return 4;
    plans[*plan = ++last] = {length, rows, 0};
    return 0;
}
extern "C" int cufftSetStream(int plan, long stream) {
    if (!plans.count(plan)) return 1;
    plans[plan].stream = stream;
    return 0;
}
extern "C" int cufftDestroy(int plan) { return plans.erase(plan) ? 0 : 1; }
extern "C" int cufftExecZ2Z(int plan, std::complex<double>* in, std::complex<double>* out, int direction) {
    if (!plans.count(plan) || plans[plan].stream != 815) return 1;
    if (direction != -1 && direction != 1) return 4;
    const int length = plans[plan].length;
    for (int row = 0; row < plans[plan].rows; row++, in += length, out += length) {
        std::vector<std::complex<double>> result(length);
        for (int k = 0; k < length; k++) {
            for (int j = 0; j < length; j++) {
                result[k] += in[j] * std::polar(1.0, direction * 2 * M_PI * (static_cast<long>(k) * j % length) / length);
            }
        }
        std::copy(result.begin(), result.end(), out);
    }
    return 0;
}
extern "C" int fake_cufft_plans() { return static_cast<int>(plans.size()); }
