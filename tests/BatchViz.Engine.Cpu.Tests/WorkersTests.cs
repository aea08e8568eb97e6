using System.Runtime.InteropServices;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Sharing pieces of work between threads.</summary>
public partial class WorkersTests
{
    [Theory, InlineData(1), InlineData(3), InlineData(20)]
    public void EachPieceIsDoneOnceByAWorkerThatDoesOneAtATime(int threads)
    {
        var done = new int[10];
        var busy = new int[threads];
        Workers.Share(
            threads,
            10,
            (worker, piece) =>
            {
                Assert.Equal(1, Interlocked.Increment(ref busy[worker]));
                Interlocked.Increment(ref done[piece]);
                Interlocked.Decrement(ref busy[worker]);
            },
            default
        );
        Assert.All(done, n => Assert.Equal(1, n));
        Workers.Share(threads, 0, (_, _) => throw new InvalidOperationException(), default);
    }

    /// <summary>Both threads are at work when the helper, or the caller, throws.</summary>
    [Theory, InlineData(0), InlineData(1)]
    public void WhatOneThreadThrowsSurfacesWhenAllHaveEnded(int thrower)
    {
        using var both = new Barrier(2);
        int after = 0;
        var failure = Assert.Throws<InvalidOperationException>(() =>
            Workers.Share(
                2,
                1000,
                (worker, piece) =>
                {
                    if (piece < 2)
                        both.SignalAndWait();
                    if (worker == thrower)
                        throw new InvalidOperationException("told");
                    Thread.Sleep(20);
                    Interlocked.Increment(ref after);
                },
                default
            )
        );
        Assert.Equal("told", failure.Message);
        Assert.InRange(after, 1, 900);
    }

    [Fact]
    public void CancellingEndsBetweenPiecesAndEveryWorkerGetsOn()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        int done = 0;
        Assert.Throws<OperationCanceledException>(() => Workers.Share(1, 5, (_, _) => done++, cancelled.Token));
        Assert.Equal(1, done);
    }

    /// <summary>On Linux a caller with a nice value has helpers with it.</summary>
    [Fact]
    public void HelpersYieldAsTheirCallerDoes()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var seen = new int[2];
        var caller = new Thread(() =>
        {
            Assert.Equal(0, SetPriority(0, 0, 7));
            using var both = new Barrier(2);
            Workers.Share(
                2,
                2,
                (worker, _) =>
                {
                    both.SignalAndWait();
                    seen[worker] = GetPriority(0, 0);
                },
                default
            );
        });
        caller.Start();
        caller.Join();
        Assert.Equal([7, 7], seen);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);

    [LibraryImport("libc", EntryPoint = "getpriority")]
    private static partial int GetPriority(int which, int who);
}
