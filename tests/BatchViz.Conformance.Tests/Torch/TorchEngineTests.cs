using System.Diagnostics;
using System.Runtime.InteropServices;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests;
using BatchViz.Engine.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Conformance.Tests.Torch;

public sealed class TorchEngineTests
{
    /// <summary>Steps on stacked vectors against torch.optim's own, on a quadratic.</summary>
    [TorchTheory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Momentum)]
    [InlineData(OptimizerKind.Nesterov)]
    [InlineData(OptimizerKind.Adam)]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.AdaGrad)]
    [InlineData(OptimizerKind.AdaDelta)]
    [InlineData(OptimizerKind.RmsProp)]
    public void A_step_is_that_of_torch_optim(OptimizerKind kind)
    {
        const double Rate = 0.02,
            Decay = 0.03;
        var images = Sets.Images();
        var network = Sets.Net(images, LossKind.Squared, []);
        var spec = Sets.Spec(network, images.Train.Count, kind, Rate) with
        {
            Optimizer = new OptimizerSpec { Kind = kind, WeightDecay = Decay },
            Sampler = new SamplerSpec { Order = SampleOrder.Sequential },
        };
        using var engine = new TorchEngine();
        using var data = engine.Load(images);
        using var bundle = engine.CreateBundle(data, spec);
        using var scope = NewDisposeScope();
        float[] start = bundle.Export(0).Weights;
        var w = nn.Parameter(tensor(start[..490], [10, 49]));
        var b = nn.Parameter(tensor(start[490..]));
        IEnumerable<TorchSharp.Modules.Parameter> both = [w, b];
        optim.Optimizer peer = kind switch
        {
            OptimizerKind.Sgd => optim.SGD(both, Rate, weight_decay: Decay),
            OptimizerKind.Momentum => optim.SGD(both, Rate, momentum: 0.9, weight_decay: Decay),
            OptimizerKind.Nesterov => optim.SGD(both, Rate, momentum: 0.9, weight_decay: Decay, nesterov: true),
            OptimizerKind.Adam => optim.Adam(both, Rate, weight_decay: Decay),
            OptimizerKind.AdamW => optim.AdamW(both, Rate, weight_decay: Decay),
            OptimizerKind.AdaGrad => optim.Adagrad(both, Rate, weight_decay: Decay),
            OptimizerKind.AdaDelta => optim.Adadelta(both, Rate, rho: 0.9, eps: 1e-6, weight_decay: Decay),
            _ => optim.RMSProp(both, Rate, alpha: 0.99, eps: 1e-8, weight_decay: Decay),
        };
        var features = new float[images.Train.Count * 49];
        for (int i = 0; i < images.Train.Count; i++)
            images.Train.CopyFeatures(i, features.AsSpan(i * 49, 49));
        var x = tensor(features, [images.Train.Count, 49]);
        var y = nn.functional.one_hot(tensor(Array.ConvertAll(images.Train.Labels!, l => (long)l)), 10).to(ScalarType.Float32);
        var block = new RecordBlock(1, 20, bundle.Layout.Width);
        bundle.Advance(20, block);
        for (int u = 0; u < 20; u++)
        {
            peer.zero_grad();
            var loss = (nn.functional.linear(x, w, b) - y).square().sum(1).mean() * 0.5;
            Close.Number(loss.item<float>(), block.Row(0, u)[RecordLayout.Loss], 1e-4, $"loss {u}");
            loss.backward();
            peer.step();
        }
        Close.ByNorm(
            [.. w.detach().data<float>().ToArray(), .. b.detach().data<float>().ToArray()],
            bundle.Export(0).Weights,
            1e-4,
            "weights"
        );
        peer.Dispose();
    }

    /// <summary>Half precision follows float32 as far as its mantissa goes, and trains.</summary>
    [TorchTheory]
    [InlineData(Precision.BFloat16, 0.05)]
    [InlineData(Precision.Float16, 0.02)]
    [InlineData(Precision.Tf32, 1e-3)]
    public void Sixteen_bits_follow_float32(Precision precision, double share)
    {
        foreach (string name in new[] { "dense Tanh", "convolution", "batch norm" })
        {
            var problem = Problem.Named(name);
            using TorchEngine full = new(),
                half = new("cpu", precision);
            using IEngineData a = full.Load(problem.Data),
                b = half.Load(problem.Data);
            using IBundle one = full.CreateBundle(a, problem.Spec),
                other = half.CreateBundle(b, problem.Spec);
            RecordBlock wanted = new(2, 30, one.Layout.Width),
                given = new(2, 30, one.Layout.Width);
            one.Advance(30, wanted);
            other.Advance(30, given);
            for (int row = 0; row < 30; row++)
                Close.Number(
                    wanted.Row(0, row)[RecordLayout.Loss],
                    given.Row(0, row)[RecordLayout.Loss],
                    share,
                    $"{name}, loss {row}",
                    0.01
                );
            Close.ByNorm(one.Export(0).Weights, other.Export(0).Weights, share, $"{name}, weights");
            // And is it: something must differ where there are fewer bits.
            if (precision != Precision.Tf32)
                Assert.NotEqual(one.Export(0).Weights, other.Export(0).Weights);
        }
    }

    /// <summary>
    /// Gradients of 2⁻²⁰ and less are nothing in 16 bits unless the loss is scaled; a scale too large is found and halved, and no update is
    /// lost.
    /// </summary>
    [TorchFact]
    public void Float16_scales_the_loss_down_until_gradients_fit()
    {
        var problem = Problem.Named("dense, squared");
        var large = new float[problem.Data.Train.Count * 49];
        for (int i = 0; i < problem.Data.Train.Count; i++)
            problem.Data.Train.CopyFeatures(i, large.AsSpan(i * 49, 49));
        for (int i = 0; i < large.Length; i++)
            large[i] *= 30;
        var split = new DataSplit
        {
            Count = problem.Data.Train.Count,
            Inputs = 49,
            Floats = large,
            Labels = problem.Data.Train.Labels,
        };
        var data = problem.Data with { Train = split, Test = null };
        using TorchEngine full = new(),
            half = new("cpu", Precision.Float16);
        using IEngineData a = full.Load(data),
            b = half.Load(data);
        var spec = problem.Spec with { LearningRate = 1e-4 };
        using IBundle one = full.CreateBundle(a, spec),
            other = half.CreateBundle(b, spec);
        RecordBlock wanted = new(2, 40, one.Layout.Width),
            given = new(2, 40, one.Layout.Width);
        one.Advance(40, wanted);
        other.Advance(40, given);
        Assert.Equal(40, other.Updates(0));
        Close.ByNorm(one.Export(0).Weights, other.Export(0).Weights, 0.02, "weights");
    }

    /// <summary>
    /// libtorch is asked for more than there is in the middle of an update: the bundle says how much, nothing stays taken, and others go
    /// on.
    /// </summary>
    [TorchFact]
    public void Memory_that_runs_out_is_told_with_the_batch_size_and_given_back()
    {
        var images = Sets.Images(4000, 784) with { Image = (28, 28) };
        var model = new ModelSpec { Kind = ModelKind.Layers, Layers = [LayerSpec.Conv(20_000, 1), LayerSpec.Average(), LayerSpec.Dense()] };
        var network = new NetworkSpec(model, LossKind.CrossEntropy, [784, 10]) { Image = new TensorShape(1, 28, 28) };
        using var engine = new TorchEngine { MostBundleBytes = long.MaxValue };
        using var data = engine.Load(images);
        using var small = engine.CreateBundle(data, Sets.Spec(network, 1));
        using var bundle = engine.CreateBundle(data, Sets.Spec(network, 4000));
        long before = Tensor.TotalCount;
        var e = Assert.Throws<MemoryExhaustedException>(() => bundle.Advance(1, new RecordBlock(1, 1, bundle.Layout.Width)));
        Assert.True(e.Asked > 100_000_000_000, $"{e.Asked} bytes");
        Assert.StartsWith("batch size 4000: ", e.Message);
        Assert.Equal(before, Tensor.TotalCount);
        small.Advance(1, new RecordBlock(1, 1, small.Layout.Width));
        Assert.Equal(1, small.Updates(0));
        var refused = Assert.Throws<RefusedException>(() =>
            new TorchEngine { MostBundleBytes = 1_000_000_000 }.CreateBundle(data, Sets.Spec(network, 4000))
        );
        Assert.StartsWith("Batch size 4,000 would take ", refused.Message);
    }

    /// <summary>Parts of a batch take the memory of one part, not of the batch: 800 MB here.</summary>
    [TorchFact]
    public void Micro_batches_take_the_memory_of_one()
    {
        var images = Sets.Images(2000, 784) with { Image = (28, 28) };
        var model = new ModelSpec { Kind = ModelKind.Layers, Layers = [LayerSpec.Conv(64, 3), LayerSpec.Average(), LayerSpec.Dense()] };
        var network = new NetworkSpec(model, LossKind.CrossEntropy, [784, 10]) { Image = new TensorShape(1, 28, 28) };
        using var engine = new TorchEngine();
        using var data = engine.Load(images);
        using var bundle = engine.CreateBundle(data, Sets.Spec(network, 2000) with { MicroBatch = 20 });
        Assert.InRange(Peak(() => bundle.Advance(1, new RecordBlock(1, 1, bundle.Layout.Width))), 0, 400_000_000);
    }

    /// <summary>
    /// Lanczos holds its vectors once: 35 MB for 40 of them, and as many again for a moment; with what each step leaves behind it would be
    /// 1.4 GB.
    /// </summary>
    [TorchFact]
    public void Eigenvalues_take_the_memory_of_their_vectors()
    {
        var network = new NetworkSpec(new ModelSpec { Hidden = [128, 64] }, LossKind.CrossEntropy, [784, 128, 64, 10]);
        using var engine = new TorchEngine();
        using var data = engine.Load(Sets.Images(200, 784));
        using var bundle = engine.CreateBundle(data, Sets.Spec(network, 20));
        using var probe = engine.CreateProbe(data, network);
        using var weights = bundle.Snapshot(0);
        long peak = Peak(() =>
        {
            // None converges to that in 40 iterations.
            foreach (
                var pair in probe
                    .Eigenvalues(
                        weights,
                        new EvaluationSet(Split.Train, Enumerable.Range(0, 20).ToArray()),
                        39,
                        40,
                        1,
                        CancellationToken.None
                    )
                    .Pairs
            )
                pair.Vector.Dispose();
        });
        Assert.InRange(peak, 0, 400_000_000);
    }

    /// <summary>Bytes of this process beyond those before, at most while it works.</summary>
    private static long Peak(Action work)
    {
        using var self = Process.GetCurrentProcess();
        long before = self.WorkingSet64,
            most = before;
        bool done = false;
        var watch = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                self.Refresh();
                most = Math.Max(most, self.WorkingSet64);
                Thread.Sleep(2);
            }
        });
        watch.Start();
        try
        {
            work();
        }
        finally
        {
            Volatile.Write(ref done, true);
            watch.Join();
        }
        return most - before;
    }

    /// <summary>TorchSharp's matmul ends the process where shapes do not fit; the engine has products that say so, and no others.</summary>
    [TorchFact]
    public void Products_of_shapes_that_do_not_fit_are_exceptions()
    {
        using var scope = NewDisposeScope();
        Tensor a = zeros(1, 2, 3),
            b = zeros(1, 2, 3),
            c = zeros(2, 3);
        Assert.Throws<ExternalException>(() => a.bmm(b));
        Assert.Throws<ExternalException>(() => c.mm(c));
        Assert.Throws<ExternalException>(() => c.addmm_(c, c, 1));
    }

    /// <summary>libtorch's complaints on the way back, where exceptions come from libtorch's own threads.</summary>
    [TorchFact]
    public void Memory_that_runs_out_on_the_way_back_does_not_end_the_process()
    {
        using var scope = NewDisposeScope();
        var leaf = zeros(1).requires_grad_(true);
        // Forward that is a view; its gradient is not.
        var value = leaf.expand(40_000_000_000L).narrow(0, 0, 10).sum();
        var e = Assert.Throws<ExternalException>(() => Autograd.Slopes(value, [leaf]));
        Assert.Equal(160_000_000_000, TorchMemory.Asked(e.Message));
        Assert.Null(leaf.grad);
        Assert.Null(TorchMemory.Asked("The expanded size of the tensor (49) must match the existing size (14)"));
        Assert.Equal(
            21_474_836_480,
            TorchMemory.Asked("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 139.80 GiB")
        );
        Assert.Equal(0, TorchMemory.Asked("CUDA error: out of memory"));
    }

    [TorchFact]
    public void A_device_that_is_not_there_is_refused_in_a_sentence()
    {
        Assert.Null(TorchEngine.WhyNot("cpu"));
        foreach (string word in new[] { "tpu", "cuda:x", "cuda:-1", "cudaz" })
            Assert.Equal(
                $"TorchSharp has the devices cpu and cuda:N here, not {word}.",
                Assert.Throws<RefusedException>(() => new TorchEngine(word)).Message
            );
        if (!LibTorch.ForCuda)
            Assert.StartsWith(
                $"The libtorch in {LibTorch.Folder} is one for processors, without CUDA. Where there is an NVIDIA driver, build ",
                Assert.Throws<RefusedException>(() => new TorchEngine("cuda:0")).Message
            );
    }
}
