using BatchViz.Core.Numerics;

namespace BatchViz.Core.Engines;

/// <summary>
/// What inverted dropout multiplies with: 0 with probability rate, else 1/(1 − rate); a function of seed, update, the example's place in
/// the batch, the layer and the value's place, the same for every engine.
/// </summary>
public readonly struct DropoutMask(double rate)
{
    private const int Batch = 64;

    private readonly ulong keepBelow = (ulong)((1 - rate) * 4294967296.0);
    private readonly float kept = (float)(1 / (1 - rate));

    /// <summary>
    /// The mask of one example, two values from each block of the stream: block index = row · 2³² + layer · 2²⁶ + value / 2, values pixel
    /// after pixel with all channels.
    /// </summary>
    /// <param name="stream">Of <see cref="Purpose.Dropout"/>, the seed and the update.</param>
    /// <param name="row">The example's place in the batch.</param>
    /// <param name="number">The dropout layer's, counted through all towers.</param>
    /// <param name="width">From pixel to pixel in <paramref name="to"/>, at least the channels.</param>
    public void Draw(Philox stream, int row, int number, TensorShape shape, Span<float> to, int width)
    {
        ulong first = ((ulong)(uint)row << 32) | ((ulong)(uint)number << 26);
        Span<ulong> words = stackalloc ulong[Batch];
        long size = shape.Size;
        int channels = shape.Channels,
            start = 0,
            channel = 0;
        for (long value = 0; value < size; value += 2 * Batch)
        {
            int pairs = (int)Math.Min(Batch, (size - value + 1) / 2);
            stream.Words(first + (ulong)(value / 2), words[..pairs]);
            for (int i = 0; i < 2 * pairs && value + i < size; i++)
            {
                uint word = (i & 1) == 0 ? (uint)(words[i / 2] >> 32) : (uint)words[i / 2];
                to[start + channel] = word < keepBelow ? kept : 0;
                if (++channel == channels)
                {
                    channel = 0;
                    start += width;
                }
            }
        }
    }
}
