using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu;
using BatchViz.Engine.Torch;

namespace BatchViz.Conformance.Tests;

/// <summary>
/// Every engine that is present here. All are compared with the embedded engine's plainest path, which its own tests compare with a
/// double-precision reference and with PyTorch.
/// </summary>
internal static class Engines
{
    private static readonly Dictionary<string, Func<IEngine>> Present = Find();

    public static IEngine Anchor { get; } = new CpuEngine(KernelPath.Portable);

    public static IEnumerable<string> Names => Present.Keys;

    public static IEngine Make(string name) => Present[name]();

    private static Dictionary<string, Func<IEngine>> Find()
    {
        var found = new Dictionary<string, Func<IEngine>>();
        foreach (var path in CpuEngine.Available.Where(path => path != KernelPath.Portable))
            found[$"cpu, {path}"] = () => new CpuEngine(path);
        if (TorchEngine.WhyNot("cpu") is not null)
            return found;
        found["torch, cpu"] = () => new TorchEngine();
        // The way of updates on a device of its own, on this one.
        found["torch, cpu, queued"] = () => new TorchEngine { Queues = true };
        if (TorchEngine.WhyNot("cuda:0") is null)
            found["torch, cuda:0"] = () => new TorchEngine("cuda:0");
        return found;
    }
}
