using System.Globalization;
using System.Text.Json;
using BatchViz.Recording;

namespace BatchViz.Live;

/// <summary>
/// The colours of one experiment's batch sizes outside of the browser's canvas, by the ramp of BatchViz.Stage/colours.json, which the
/// page's script reads too; the rule is that of its style.ts, and both are held to tests/fixtures/colours.json.
/// </summary>
public sealed class RunColours
{
    private static readonly Ramp Shared = ReadRamp();

    private readonly SortedDictionary<long, double> octaves = [];

    /// <param name="batchSizes">Those that the experiment began with, in any order and as often as there are runs.</param>
    /// <param name="forks">Those of its forks, in their order: they find places between the others.</param>
    public RunColours(IEnumerable<long> batchSizes, IEnumerable<long> forks)
    {
        long[] first = [.. batchSizes.Distinct().Order()];
        double[] places = Spread([.. first.Select(Octave)]);
        for (int i = 0; i < first.Length; i++)
            octaves[first[i]] = places[i];
        foreach (long size in forks)
        {
            if (octaves.ContainsKey(size))
                continue;
            double? below = octaves.Where(other => other.Key < size).Select(other => (double?)other.Value).LastOrDefault();
            double? above = octaves.Where(other => other.Key > size).Select(other => (double?)other.Value).FirstOrDefault();
            octaves[size] = Between(Octave(size), below, above);
        }
    }

    /// <summary>Of a recording's runs.</summary>
    public static RunColours Of(RecordingManifest manifest)
    {
        var sizes = manifest.Runs.Zip(RecordingPicture.BatchSizes(manifest)).ToArray();
        return new(
            sizes.Where(run => run.First.Parent is null).Select(run => run.Second),
            sizes.Where(run => run.First.Parent is not null).Select(run => run.Second)
        );
    }

    /// <summary>As a CSS colour that follows the theme.</summary>
    public string Of(long batchSize) => $"light-dark({Of(batchSize, dark: false)}, {Of(batchSize, dark: true)})";

    /// <summary>As #rrggbb.</summary>
    public string Of(long batchSize, bool dark) =>
        Blend(dark ? Shared.Dark : Shared.Light, octaves.TryGetValue(batchSize, out double place) ? place : Octave(batchSize));

    private static double Top => Shared.Dark[^1].Octave;

    private static double Octave(long batchSize) => Math.Clamp(Math.Log2(Math.Max(1, batchSize)), 0, Top);

    /// <summary>
    /// Ascending places on the ramp, moved as little as possible (least squares) so that neighbours that were close are the close gap
    /// apart, and no others come closer than is far enough: pool adjacent violators (Barlow et al. 1972) on the places less the gaps before
    /// them.
    /// </summary>
    private static double[] Spread(double[] octaves)
    {
        double[] gaps = new double[octaves.Length];
        for (int i = 1; i < octaves.Length; i++)
            gaps[i] = gaps[i - 1] + (octaves[i] - octaves[i - 1] < Shared.FarEnough ? Shared.CloseGap : Shared.FarEnough);
        double all = gaps.Length == 0 ? 0 : gaps[^1],
            scale = Math.Min(1, Top / Math.Max(1, all));
        for (int i = 0; i < gaps.Length; i++)
            gaps[i] *= scale;
        var pools = new List<(double Sum, int Count)>();
        for (int i = 0; i < octaves.Length; i++)
        {
            var pool = (Sum: octaves[i] - gaps[i], Count: 1);
            while (pools.Count > 0 && pools[^1] is var last && last.Sum / last.Count > pool.Sum / pool.Count)
            {
                pools.RemoveAt(pools.Count - 1);
                pool = (pool.Sum + last.Sum, pool.Count + last.Count);
            }
            pools.Add(pool);
        }
        double most = Top - all * scale;
        var places = pools.SelectMany(pool => Enumerable.Repeat(Math.Min(most, Math.Max(0, pool.Sum / pool.Count)), pool.Count));
        return [.. places.Select((place, i) => place + gaps[i])];
    }

    /// <summary>
    /// A place for one more: its own where it is far enough from its neighbours, or nearly; in the middle where there is no such room.
    /// </summary>
    private static double Between(double octave, double? below, double? above)
    {
        double low = below is { } b ? b + Shared.FarEnough : 0,
            high = above is { } a ? a - Shared.FarEnough : Top;
        return low <= high ? Math.Min(high, Math.Max(low, octave)) : ((below ?? 0) + (above ?? Top)) / 2;
    }

    private static Ramp ReadRamp()
    {
        using var file = typeof(RunColours).Assembly.GetManifestResourceStream("colours.json")!;
        using var json = JsonDocument.Parse(file);
        (double, int)[] Stops(string theme) =>
            [
                .. json
                    .RootElement.GetProperty("ramp")
                    .GetProperty(theme)
                    .EnumerateArray()
                    .Select(stop =>
                        (
                            stop[0].GetDouble(),
                            int.Parse(stop[1].GetString().AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                        )
                    ),
            ];
        return new(
            Stops("dark"),
            Stops("light"),
            json.RootElement.GetProperty("farEnough").GetDouble(),
            json.RootElement.GetProperty("closeGap").GetDouble()
        );
    }

    private static string Blend((double Octave, int Colour)[] stops, double at)
    {
        int i = 1;
        while (i < stops.Length - 1 && at > stops[i].Octave)
            i++;
        var (from, to) = (stops[i - 1], stops[i]);
        double t = (at - from.Octave) / (to.Octave - from.Octave);
        var (a, b) = (OkLab(from.Colour), OkLab(to.Colour));
        return Hex(a.L + (b.L - a.L) * t, a.M + (b.M - a.M) * t, a.N + (b.N - a.N) * t);
    }

    private sealed record Ramp((double Octave, int Colour)[] Dark, (double Octave, int Colour)[] Light, double FarEnough, double CloseGap);

    /// <summary>Björn Ottosson, 2020.</summary>
    private static (double L, double M, double N) OkLab(int colour)
    {
        double r = Linear(colour >> 16),
            g = Linear(colour >> 8 & 255),
            b = Linear(colour & 255);
        double l = Math.Cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
        double m = Math.Cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
        double s = Math.Cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
        return (
            0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s
        );
    }

    private static string Hex(double lightness, double m, double n)
    {
        double l = Math.Pow(lightness + 0.3963377774 * m + 0.2158037573 * n, 3);
        double p = Math.Pow(lightness - 0.1055613458 * m - 0.0638541728 * n, 3);
        double s = Math.Pow(lightness - 0.0894841775 * m - 1.291485548 * n, 3);
        int r = Code(4.0767416621 * l - 3.3077115913 * p + 0.2309699292 * s);
        int g = Code(-1.2684380046 * l + 2.6097574011 * p - 0.3413193965 * s);
        int b = Code(-0.0041960863 * l - 0.7034186147 * p + 1.707614701 * s);
        return string.Create(CultureInfo.InvariantCulture, $"#{r << 16 | g << 8 | b:x6}");
    }

    private static double Linear(int code)
    {
        double v = code / 255.0;
        return v <= 0.04045 ? v / 12.92 : Math.Pow((v + 0.055) / 1.055, 2.4);
    }

    private static int Code(double v) =>
        (int)Math.Round(255 * Math.Clamp(v <= 0.0031308 ? 12.92 * v : 1.055 * Math.Pow(v, 1 / 2.4) - 0.055, 0, 1));
}
