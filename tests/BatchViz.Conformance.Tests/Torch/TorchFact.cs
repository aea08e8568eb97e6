using BatchViz.Engine.Torch;

namespace BatchViz.Conformance.Tests.Torch;

/// <summary>A test that needs libtorch: skipped, with the reason, on systems that have none (tests/run tells it once).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute() => Skip = Reason;

    internal static string? Reason => TorchEngine.WhyNot("cpu") is { } why ? $"TorchSharp is not tested here: {why}" : null;
}

/// <summary>A <see cref="TorchFactAttribute"/> with rows.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute() => Skip = TorchFactAttribute.Reason;
}
