using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Arithmetic with numbers. TorchSharp makes an object of each number, which a garbage collection may take away (and its finaliser free)
/// while libtorch is still reading it, since nothing refers to it any more once the call has begun: an exception about an unknown scalar
/// type, or another number. These keep their objects until many more have been made, so nothing here goes by TorchSharp's own conversions,
/// not even for the factor 1 in a + b.
/// </summary>
internal static class Arithmetic
{
    /// <summary>Far more than one call takes.</summary>
    private const int Kept = 256;

    private static readonly Scalar One = 1.ToScalar();

    [ThreadStatic]
    private static Scalar[]? ring;

    [ThreadStatic]
    private static int made;

    public static Scalar Number(double value) => Keep(value.ToScalar());

    public static Scalar Number(long value) => Keep(value.ToScalar());

    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    public static Tensor Plus(this Tensor a, double b) => a.add(Number(b), One);

    public static Tensor Minus(this Tensor a, double b) => a.sub(Number(b));

    public static Tensor Times(this Tensor a, double b) => a.mul(Number(b));

    public static Tensor Over(this Tensor a, double b) => a.div(Number(b));

    public static Tensor Squared(this Tensor a) => a.mul(a);

    /// <summary>In place: a ← a + factor·b.</summary>
    public static Tensor Plus_(this Tensor a, Tensor b, double factor) => a.add_(b, Number(factor));

    public static Tensor Plus_(this Tensor a, Tensor b) => a.add_(b, One);

    public static Tensor Plus_(this Tensor a, double b) => a.add_(Number(b), One);

    public static Tensor Times_(this Tensor a, double b) => a.mul_(Number(b));

    /// <summary>In place: a ← a + factor·b·c.</summary>
    public static Tensor PlusProduct_(this Tensor a, Tensor b, Tensor c, double factor) => a.addcmul_(b, c, Number(factor));

    /// <summary>The larger of a and a number.</summary>
    public static Tensor AtLeast(this Tensor a, double least) => a.clamp_min(Number(least));

    /// <summary>ln(1 + eˣ).</summary>
    public static Tensor Softplus(this Tensor x) => x.logaddexp(zeros_like(x));

    public static Tensor Filled(long[] shape, double value, ScalarType type, Device device) => full(shape, Number(value), type, device);

    private static Scalar Keep(Scalar number)
    {
        ring ??= new Scalar[Kept];
        ring[made++ % Kept] = number;
        return number;
    }
}
