using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// oneDNN, to which libtorch gives float32 convolutions on a processor, compiles them when it first meets their shape. On some (virtual)
/// processors what it compiles computes something else: gradients of 5×5 kernels were off by up to half, on a machine where ATen's own
/// convolutions, which also do those of float64, were right. So a few are compared with float64 once, and where one differs oneDNN is
/// turned off in this process.
/// </summary>
internal static class OneDnn
{
    /// <summary>Relative, by norm; float32 alone gives about 1e-7.</summary>
    private const double Tolerance = 1e-4;

    /// <summary>Batch, channels in and out, kernel, stride, padding, side.</summary>
    private static readonly (int Batch, int In, int Out, int Kernel, int Stride, int Padding, int Side)[] Shapes =
    [
        (1, 1, 1, 5, 1, 0, 8),
        (3, 4, 6, 5, 2, 2, 8),
        (2, 3, 8, 3, 1, 1, 8),
        (2, 16, 16, 3, 2, 1, 8),
        (2, 2, 3, 2, 1, 0, 7),
        (2, 4, 4, 4, 2, 1, 6),
        (2, 64, 32, 1, 1, 0, 4),
        (1, 64, 64, 3, 1, 1, 2),
        (2, 1, 6, 7, 1, 3, 9),
    ];

    /// <summary>Whether it was found to be wrong, and is off.</summary>
    public static bool IsOff { get; private set; }

    /// <summary>Compares, and turns it off where it is wrong.</summary>
    /// <param name="libtorch">The library of libtorch with <c>at::Context</c>.</param>
    /// <returns>Whether convolutions can be relied on now.</returns>
    public static bool Check(nint libtorch)
    {
        if (Shapes.All(Agrees))
            return true;
        return IsOff = TurnOff(libtorch) && Shapes.All(Agrees);
    }

    private static bool Agrees((int Batch, int In, int Out, int Kernel, int Stride, int Padding, int Side) shape)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var input = randn([shape.Batch, shape.In, shape.Side, shape.Side], float64, generator: generator);
        var kernel = randn([shape.Out, shape.In, shape.Kernel, shape.Kernel], float64, generator: generator);
        var exact = Convolve(input, kernel, shape.Stride, shape.Padding);
        var single = Convolve(input.to(float32), kernel.to(float32), shape.Stride, shape.Padding);
        return exact.Zip(single).All(pair => Near(pair.First, pair.Second));
    }

    /// <summary>A convolution and both of its gradients, under the slope of the output's own values.</summary>
    private static Tensor[] Convolve(Tensor input, Tensor kernel, int stride, int padding)
    {
        input = input.detach().requires_grad_();
        kernel = kernel.detach().requires_grad_();
        var output = nn.functional.conv2d(input, kernel, strides: [stride, stride], padding: [padding, padding]);
        var slopes = Autograd.Slopes(output.Squared().sum(), [input, kernel]);
        return [output.detach(), slopes[0]!, slopes[1]!];
    }

    private static bool Near(Tensor exact, Tensor single) =>
        (single.to(float64) - exact).norm().ReadCpuDouble(0) <= Tolerance * exact.norm().ReadCpuDouble(0);

    /// <summary><c>at::globalContext().setUserEnabledMkldnn(false)</c>, which TorchSharp has no call for.</summary>
    private static unsafe bool TurnOff(nint libtorch)
    {
        if (
            !NativeLibrary.TryGetExport(libtorch, "_ZN2at13globalContextEv", out nint context)
            || !NativeLibrary.TryGetExport(libtorch, "_ZN2at7Context20setUserEnabledMkldnnEb", out nint set)
        )
            return false;
        ((delegate* unmanaged<nint, byte, void>)set)(((delegate* unmanaged<nint>)context)(), 0);
        return true;
    }
}
