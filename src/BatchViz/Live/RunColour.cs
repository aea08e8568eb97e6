using System.Globalization;

namespace BatchViz.Live;

/// <summary>A batch size's colour outside of the browser's canvas: the ramp of BatchViz.Stage/style.ts, for both themes.</summary>
public static class RunColour
{
    private static readonly (double Octave, int Colour)[]
        Dark = [(0, 0xffd166), (3, 0xff9f4a), (5, 0xf58fd2), (7, 0xa9a6ff), (9, 0x4fc8f5), (16, 0x5eead4)],
        Light = [(0, 0x7d5700), (3, 0xa84300), (5, 0xa21c78), (7, 0x4f3fd0), (9, 0x006489), (16, 0x0b655c)];

    /// <summary>As a CSS colour that follows the theme.</summary>
    public static string Of(long batchSize)
    {
        double octave = Math.Clamp(Math.Log2(Math.Max(1, batchSize)), 0, 16);
        return $"light-dark({Ramp(Light, octave)}, {Ramp(Dark, octave)})";
    }

    /// <summary>As #rrggbb.</summary>
    public static string Of(long batchSize, bool dark) => Ramp(dark ? Dark : Light, Math.Clamp(Math.Log2(Math.Max(1, batchSize)), 0, 16));

    private static string Ramp((double Octave, int Colour)[] stops, double at)
    {
        int i = 1;
        while (i < stops.Length - 1 && at > stops[i].Octave) i++;
        var (from, to) = (stops[i - 1], stops[i]);
        double t = (at - from.Octave) / (to.Octave - from.Octave);
        var (a, b) = (OkLab(from.Colour), OkLab(to.Colour));
        return Hex(a.L + (b.L - a.L) * t, a.M + (b.M - a.M) * t, a.N + (b.N - a.N) * t);
    }

    /// <summary>Björn Ottosson, 2020.</summary>
    private static (double L, double M, double N) OkLab(int colour)
    {
        double r = Linear(colour >> 16), g = Linear(colour >> 8 & 255), b = Linear(colour & 255);
        double l = Math.Cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
        double m = Math.Cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
        double s = Math.Cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
        return (0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s);
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

    private static int Code(double v) => (int)Math.Round(255 * Math.Clamp(v <= 0.0031308 ? 12.92 * v : 1.055 * Math.Pow(v, 1 / 2.4) - 0.055, 0, 1));
}
