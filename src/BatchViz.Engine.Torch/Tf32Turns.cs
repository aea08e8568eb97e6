using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Whether products on CUDA may use TF32 is one switch of the whole process, but engines with and without it work side by side. So their
/// calls take turns: any number of the same kind at once, never both kinds. What is queued on the device keeps the kind that it was
/// queued with.
/// </summary>
/// <param name="set">Turns the switch; never called while work goes on.</param>
internal sealed class Tf32Turns(Action<bool> set)
{
    private static readonly Tf32Turns Process = new(on => backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = on);

    [ThreadStatic]
    private static int depth;

    private readonly object gate = new();
    private bool? kind;
    private int working;
    private long arrived,
        admitted;

    /// <summary>A turn that ends when it is disposed of; on a processor, which has no such switch, nothing.</summary>
    public static IDisposable? Take(Device device, Precision precision) =>
        device.type == DeviceType.CPU ? null : Process.Take(precision == Precision.Tf32);

    public IDisposable Take(bool on)
    {
        // A call within a call is the same turn.
        if (depth++ > 0)
            return new Turn(this);
        lock (gate)
        {
            // In the order of arrival, so that neither kind keeps the other waiting for ever.
            long ticket = arrived++;
            while (ticket != admitted || (working > 0 && kind != on))
                Monitor.Wait(gate);
            if (kind != on)
                set(on);
            kind = on;
            working++;
            admitted++;
            Monitor.PulseAll(gate);
        }
        return new Turn(this);
    }

    private void End()
    {
        if (--depth > 0)
            return;
        lock (gate)
        {
            if (--working == 0)
                Monitor.PulseAll(gate);
        }
    }

    private sealed class Turn(Tf32Turns turns) : IDisposable
    {
        public void Dispose() => turns.End();
    }
}
