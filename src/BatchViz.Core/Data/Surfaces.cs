namespace BatchViz.Core.Data;

/// <summary>Functions of two weights whose landscape is known exactly.</summary>
public enum SurfaceKind
{
    DoubleWell,
    Saddle,
    Beale,
}

/// <summary>
/// The finite sum f(w) = 1/N Σᵢ fᵢ(w) with fᵢ(x, y) = f(x, y) + aᵢ·x + bᵢ·y and Σ aᵢ = Σ bᵢ = 0: the full loss is the textbook
/// function exactly, and a batch's gradient is off by the mean of its examples' (aᵢ, bᵢ), which has variance σ²/B.
/// </summary>
public static class Surfaces
{
    /// <summary>f(x, y) itself; <see cref="Describe"/> has the formulas.</summary>
    public static double Value(SurfaceKind kind, double x, double y) =>
        kind switch
        {
            SurfaceKind.DoubleWell => (x * x - 1) * (x * x - 1) / 4 + x / 10 + y * y / 2,
            SurfaceKind.Saddle => x * x / 2 - y * y / 2 + y * y * y * y / 8,
            SurfaceKind.Beale => Square(1.5 - x + x * y) + Square(2.25 - x + x * y * y) + Square(2.625 - x + x * y * y * y),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    public static (double X, double Y) Gradient(SurfaceKind kind, double x, double y)
    {
        switch (kind)
        {
            case SurfaceKind.DoubleWell:
                return (x * (x * x - 1) + 0.1, y);
            case SurfaceKind.Saddle:
                return (x, -y + y * y * y / 2);
            case SurfaceKind.Beale:
                double a = 1.5 - x + x * y,
                    b = 2.25 - x + x * y * y,
                    c = 2.625 - x + x * y * y * y;
                return (2 * a * (y - 1) + 2 * b * (y * y - 1) + 2 * c * (y * y * y - 1), 2 * a * x + 4 * b * x * y + 6 * c * x * y * y);
            default:
                throw new ArgumentOutOfRangeException(nameof(kind));
        }
    }

    /// <summary>Second derivatives of f; the examples' shifts are linear and have none.</summary>
    public static (double XX, double XY, double YY) Hessian(SurfaceKind kind, double x, double y)
    {
        switch (kind)
        {
            case SurfaceKind.DoubleWell:
                return (3 * x * x - 1, 0, 1);
            case SurfaceKind.Saddle:
                return (1, 0, -1 + 1.5 * y * y);
            case SurfaceKind.Beale:
                double a = 1.5 - x + x * y,
                    b = 2.25 - x + x * y * y,
                    c = 2.625 - x + x * y * y * y;
                double ax = y - 1,
                    bx = y * y - 1,
                    cx = y * y * y - 1,
                    ay = x,
                    by = 2 * x * y,
                    cy = 3 * x * y * y;
                return (
                    2 * (ax * ax + bx * bx + cx * cx),
                    2 * (ax * ay + bx * by + cx * cy + a + 2 * b * y + 3 * c * y * y),
                    2 * (ay * ay + by * by + cy * cy + 2 * b * x + 6 * c * x * y)
                );
            default:
                throw new ArgumentOutOfRangeException(nameof(kind));
        }
    }

    /// <summary>
    /// Where runs start when the spec does not say: on the rim of the shallower well; beside the saddle's ridge; Beale's usual start.
    /// </summary>
    public static (double X, double Y) Start(SurfaceKind kind) =>
        kind switch
        {
            SurfaceKind.DoubleWell => (1.6, 1.5),
            SurfaceKind.Saddle => (-1.8, 0.001),
            SurfaceKind.Beale => (1, 1),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>The part of the plane worth showing: x₀, x₁, y₀, y₁.</summary>
    public static (double X0, double X1, double Y0, double Y1) View(SurfaceKind kind) =>
        kind switch
        {
            SurfaceKind.DoubleWell => (-2, 2, -2, 2),
            SurfaceKind.Saddle => (-2.5, 2.5, -2.5, 2.5),
            SurfaceKind.Beale => (-1, 4.5, -2, 2),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    public static string Describe(SurfaceKind kind) =>
        kind switch
        {
            SurfaceKind.DoubleWell => "(x² − 1)²/4 + x/10 + y²/2",
            SurfaceKind.Saddle => "x²/2 − y²/2 + y⁴/8",
            SurfaceKind.Beale => "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    private static double Square(double v) => v * v;
}
