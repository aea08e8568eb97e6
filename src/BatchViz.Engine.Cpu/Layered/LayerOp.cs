using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// One layer of a pass: from its input tensor to its output tensor and back. Whoever makes one calls <see cref="Reserve"/> and then, in the
/// same order over all layers, <see cref="Take"/>. No sum goes over more than one row, but in a batch norm while training; so the
/// number of rows that go through together changes no bit.
/// </summary>
internal abstract unsafe class LayerOp(KernelTable kernels, Tensor input, Tensor output)
{
    protected KernelTable Kernels => kernels;

    public Tensor Input => input;

    public Tensor Output => output;

    /// <summary>Whether another layer that reads the same input has written its gradient before, so that this one adds to it.</summary>
    public bool Adds { get; set; }

    public virtual void Reserve(Arena arena, int rows, Uses uses) { }

    public virtual void Take(Arena arena) { }

    /// <summary>Lays out the weights in the way that the layer reads them; once for each set of weights.</summary>
    /// <param name="backward">Also for input gradients.</param>
    public virtual void Prepare(LayerState state, bool backward) { }

    public abstract void Forward(LayerState state, int rows);

    /// <summary>The output's gradient to the input's and to the weights'.</summary>
    public abstract void Backward(LayerState state, int rows);

    /// <summary>As <see cref="Prepare"/>, of the state's direction.</summary>
    public virtual void PrepareTangent(LayerState state) { }

    /// <summary>R{output} from R{input} and the state's direction, evaluating (not training).</summary>
    public abstract void ForwardTangent(LayerState state, int rows);

    /// <summary>R{input's gradient}, and R{weights' gradient} added to the state's product; after <see cref="Backward"/>.</summary>
    public abstract void BackwardTangent(LayerState state, int rows);

    /// <summary>After an update that could be applied: running statistics take in the batch's.</summary>
    public virtual void Commit(LayerState state) { }

    protected void Copy(float* from, float* to, long floats, bool add)
    {
        if (add)
            kernels.Combine(floats, to, 1, from, 0, null, to);
        else
            Buffer.MemoryCopy(from, to, floats * sizeof(float), floats * sizeof(float));
    }
}

/// <summary>An activation, in place where nobody else reads its input.</summary>
internal sealed unsafe class ActivationOp(KernelTable kernels, Activation function, Tensor input, Tensor output)
    : LayerOp(kernels, input, output)
{
    private float* slopes,
        bends,
        spare;
    private Uses uses;

    private bool InPlace => ReferenceEquals(Input, Output);

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        this.uses = uses;
        if (uses >= Uses.Gradient && function == Activation.Gelu)
            arena.Reserve(rows * Output.Floats, MemoryUse.Activations);
        if (uses == Uses.Curvature && Bends)
        {
            arena.Reserve(rows * Output.Floats);
            arena.Reserve(rows * Output.Floats);
        }
    }

    public override void Take(Arena arena)
    {
        if (uses >= Uses.Gradient && function == Activation.Gelu)
            slopes = arena.Take();
        if (uses == Uses.Curvature && Bends)
        {
            bends = arena.Take();
            spare = arena.Take();
        }
    }

    public override void Forward(LayerState state, int rows)
    {
        long count = rows * Output.Floats;
        if (!InPlace)
            Copy(Input.Data, Output.Data, count, false);
        // GELU's second derivative asks for z, which is overwritten here.
        if (bends != null && function == Activation.Gelu)
            Copy(Output.Data, spare, count, false);
        Kernels.Activate(function, count, Output.Data, slopes);
    }

    public override void Backward(LayerState state, int rows)
    {
        if (!Output.NeedsGradient)
            return;
        long count = rows * Output.Floats;
        if (bends != null)
        {
            if (function == Activation.Gelu)
                Copy(spare, bends, count, false);
            Kernels.ActivationSecondDerivative(function, count, Output.Delta, Output.Data, bends);
        }
        Kernels.ActivationBackward(function, count, Output.Delta, Output.Data, slopes);
        if (!InPlace)
            Copy(Output.Delta, Input.Delta, count, Adds);
    }

    public override void ForwardTangent(LayerState state, int rows)
    {
        long count = rows * Output.Floats;
        if (!InPlace)
            Copy(Input.Tangent, Output.Tangent, count, false);
        // ∂ℓ/∂a·σ''(z)·R{z}, for the way back.
        if (bends != null)
        {
            Copy(Output.Tangent, spare, count, false);
            Kernels.Multiply(count, bends, spare);
        }
        Kernels.ActivationBackward(function, count, Output.Tangent, Output.Data, slopes);
    }

    public override void BackwardTangent(LayerState state, int rows)
    {
        if (!Output.NeedsGradient)
            return;
        long count = rows * Output.Floats;
        Kernels.ActivationBackward(function, count, Output.DeltaTangent, Output.Data, slopes);
        if (bends != null)
            Copy(spare, Output.DeltaTangent, count, true);
        if (!InPlace)
            Copy(Output.DeltaTangent, Input.DeltaTangent, count, Adds);
    }

    private bool Bends => function is Activation.Tanh or Activation.Sigmoid or Activation.Gelu;
}

/// <summary>The sum of two ways.</summary>
internal sealed unsafe class AddOp(KernelTable kernels, Tensor input, Tensor shortcut, Tensor output) : LayerOp(kernels, input, output)
{
    public Tensor Shortcut => shortcut;

    /// <summary>As <see cref="LayerOp.Adds"/>, for the shortcut.</summary>
    public bool AddsShortcut { get; set; }

    public override void Forward(LayerState state, int rows) => Sum(Input.Data, shortcut.Data, Output.Data, rows);

    public override void Backward(LayerState state, int rows) => Share(Output.Delta, Input.Delta, shortcut.Delta, rows);

    public override void ForwardTangent(LayerState state, int rows) => Sum(Input.Tangent, shortcut.Tangent, Output.Tangent, rows);

    public override void BackwardTangent(LayerState state, int rows) =>
        Share(Output.DeltaTangent, Input.DeltaTangent, shortcut.DeltaTangent, rows);

    private void Sum(float* a, float* b, float* to, int rows) => Kernels.Combine(rows * Output.Floats, a, 1, b, 0, null, to);

    private void Share(float* delta, float* a, float* b, int rows)
    {
        if (Input.NeedsGradient)
            Copy(delta, a, rows * Output.Floats, Adds);
        if (shortcut.NeedsGradient)
            Copy(delta, b, rows * Output.Floats, AddsShortcut);
    }
}

/// <summary>An image to a vector, channel after channel; or planes to channels last.</summary>
internal sealed unsafe class FlattenOp(KernelTable kernels, Tensor input, Tensor output) : LayerOp(kernels, input, output)
{
    public override void Forward(LayerState state, int rows) => Run(Input.Data, Output.Data, rows);

    public override void Backward(LayerState state, int rows)
    {
        if (Input.NeedsGradient)
            Back(Output.Delta, Input.Delta, rows);
    }

    public override void ForwardTangent(LayerState state, int rows) => Run(Input.Tangent, Output.Tangent, rows);

    public override void BackwardTangent(LayerState state, int rows)
    {
        if (Input.NeedsGradient)
            Back(Output.DeltaTangent, Input.DeltaTangent, rows);
    }

    private void Run(float* from, float* to, int rows)
    {
        int channels = Input.Channels,
            pixels = Input.Pixels;
        for (int row = 0; row < rows; row++, from += Input.Floats, to += Output.Floats)
        {
            if (Input.Planar)
            {
                // The rest of a padded pixel is 0 from the beginning.
                for (int c = 0; c < channels; c++)
                for (int p = 0; p < pixels; p++)
                    to[(nint)p * Output.Width + c] = from[(nint)c * pixels + p];
            }
            else
            {
                Transpose.Run(pixels, channels, from, Input.Width, to, pixels);
            }
        }
    }

    private void Back(float* delta, float* to, int rows)
    {
        int channels = Input.Channels,
            pixels = Input.Pixels;
        for (int row = 0; row < rows; row++, delta += Output.Floats, to += Input.Floats)
        {
            if (!Adds)
            {
                Transpose.Run(channels, pixels, delta, pixels, to, Input.Width);
                continue;
            }
            for (int p = 0; p < pixels; p++)
            for (int c = 0; c < channels; c++)
                to[(nint)p * Input.Width + c] += delta[(nint)c * pixels + p];
        }
    }
}
